"""Django's settings. One file for every kind of deployment; `config.environment` has the
variables that it depends on, `orchestrator.conf` the engine's own settings."""

from __future__ import annotations

import json
import os
from typing import Any

import django

from config.database import database
from config.environment import BASE_DIR, read
from config.mail import mail

env = read()

DEBUG = env.debug
# Read by the demo, which refuses to run in production and keeps its passwords there.
PRODUCTION = env.production
VAR_DIR = env.var_dir
SECRET_KEY = env.signing_key
SECRET_KEY_FALLBACKS = env.secret_key_fallbacks
ALLOWED_HOSTS = [*env.allowed_hosts, "localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = env.csrf_trusted_origins

# --- Parts ---------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    # The development server leaves static files to whitenoise, as production does.
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "orchestrator",
    "humantasks",
    "dashboard",
    *(
        [
            "examples.lifecycle",
            "examples.onboarding",
            "examples.orders",
            "examples.content",
            "examples.documents",
            "examples.reviews",
            "examples.signup",
        ]
        if env.has_examples
        else []
    ),
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Django 6 has it built in; both read SECURE_CSP.
    "django.middleware.csp.ContentSecurityPolicyMiddleware"
    if django.VERSION >= (6, 0)
    else "config.csp.ContentSecurityPolicyMiddleware",
    "config.middleware.permissions_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.middleware.no_store",
    "config.middleware.idle_logout",
    "humantasks.sessions.session_expired",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "humantasks.counts.nav_counts",
            ],
        },
    },
]

DATABASES = {"default": database(env)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Language and time ---------------------------------------------------------------

LANGUAGE_CODE = env.language_code
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True

# --- Files ---------------------------------------------------------------------------

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env.static_root or env.var_dir / "static"
# whitenoise warns when it is missing.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
# Without a collectstatic step on a laptop; with hashed, compressed files in production.
WHITENOISE_USE_FINDERS = not env.production
_STATIC_FILES = (
    "whitenoise.storage.CompressedManifestStaticFilesStorage"
    if env.production
    else "django.contrib.staticfiles.storage.StaticFilesStorage"
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # What reviewers attach. Only the page that asks who they are hands it out.
    "attachments": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": env.var_dir / "attachments",
            "base_url": None,
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
    "staticfiles": {"BACKEND": _STATIC_FILES},
}
MEDIA_ROOT = env.var_dir / "media"
# Forms and JSON: room for an input of the largest size, each of whose characters a form may
# escape by three. Uploaded files are not counted here; the first handler limits them.
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1_048_576
FILE_UPLOAD_HANDLERS = [
    "humantasks.uploads.LimitedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# --- People --------------------------------------------------------------------------

LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = LOGIN_URL
# Seconds for which a link to set a new password is good.
PASSWORD_RESET_TIMEOUT = 60 * 60
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# --- Security ------------------------------------------------------------------------

SECURE_CSP = {
    "default-src": ["'self'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "object-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"

SECURE_SSL_REDIRECT = env.is_https
# Probes and the metrics scraper come from inside, without TLS.
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SECURE_HSTS_SECONDS = 31_536_000 if env.is_https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.is_https
SECURE_HSTS_PRELOAD = env.hsts_preload
# A domain is on the browsers' lists for years. Who deploys decides that, with the variable.
SILENCED_SYSTEM_CHECKS = [] if env.hsts_preload else ["security.W021"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.behind_proxy else None

# `__Host-`: the browser itself refuses the cookie from a subdomain or without TLS.
_COOKIE_PREFIX = "__Host-" if env.is_https else ""
SESSION_COOKIE_NAME = f"{_COOKIE_PREFIX}session"
SESSION_COOKIE_SECURE = env.is_https
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# Seconds: a working day at most, and config.middleware ends what lies idle for an hour.
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_IDLE_SECONDS = 60 * 60
CSRF_COOKIE_NAME = f"{_COOKIE_PREFIX}csrf"
CSRF_COOKIE_SECURE = env.is_https
# Forms carry the token, so no script needs to read the cookie.
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "humantasks.sessions.csrf_failure"

# --- Mail ----------------------------------------------------------------------------

globals().update(mail(env))
# Whether people get the mails; without a server they become files.
HAS_MAIL = bool(env.email_host)
DEFAULT_FROM_EMAIL = env.default_from_email

# --- Logs ----------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": "config.logs.TextFormatter"},
        "json": {"()": "config.logs.JsonFormatter"},
    },
    "filters": {"without_hints": {"()": "config.logs.WithoutHints"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": [] if env.log_level == "DEBUG" else ["without_hints"],
            "formatter": "json" if env.production else "text",
        },
    },
    "root": {"handlers": ["console"], "level": env.log_level},
    # Django's own would mail the admins and print a second time.
    "loggers": {
        "django": {"handlers": [], "level": env.log_level, "propagate": True},
        # A line for each request to a model would say less than the step does.
        "httpx2": {"level": "WARNING"},
    },
}

# --- AI steps ------------------------------------------------------------------------

ORCHESTRATOR_AI = {
    "default": env.ai_model,
    "providers": {
        "openai": {
            "base_url": env.openai_base_url,
            "api_key": env.openai_api_key.get_secret_value(),
        }
    },
}

# --- Celery: the engine's hands ------------------------------------------------------

CELERY_BROKER_URL = env.broker_url.get_secret_value()
CELERY_TASK_DEFAULT_QUEUE = "orchestrator"
CELERY_TIMEZONE = "UTC"

# A message is a hint that names a run. It holds no data, has no result, is never delayed
# (no eta, no countdown, no expires: they trust the clock of the worker) and may be lost:
# the sweep finds every due run in the database. So it is acknowledged early.
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_BACKEND = None
CELERY_TASK_ACKS_LATE = False

# Ticks are short and wait for the database: threads, which share one connection pool.
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = env.worker_concurrency
CELERY_WORKER_PREFETCH_MULTIPLIER = 4
# Seconds for ticks that run when a worker is told to stop. Celery's default is none.
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 25
# Nobody may stop or rewire a worker through the broker.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# A broker that is down or frozen must not hold up a request: a second at most. One retry
# at once finds a broker that was restarted; kombu's default waits two seconds for it.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_TIMEOUT = 1
_SOCKET_TIMEOUTS = {
    "redis": {"socket_timeout": 1, "socket_connect_timeout": 1},
    "rediss": {"socket_timeout": 1, "socket_connect_timeout": 1},
    "sentinel": {"socket_timeout": 1, "socket_connect_timeout": 1},
    "amqp": {"read_timeout": 1, "write_timeout": 1},
    "amqps": {"read_timeout": 1, "write_timeout": 1},
}
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "max_retries": 1,
    "interval_start": 0,
    **_SOCKET_TIMEOUTS.get(CELERY_BROKER_URL.partition(":")[0], {}),
}
# A worker outlives its broker: it keeps trying, and sweeps meanwhile.
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# About tasks that are acknowledged late, which ours are not; unset, Celery warns each time.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True

# --- The engine ----------------------------------------------------------------------


def _from_text(text: str) -> Any:
    """`"50"` as a number, `"false"` as a truth value, `"30s"` as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text


# On one machine there is nobody to be protected from.
ORCHESTRATOR_API_RATE = "1200/min" if env.production else ""

# orchestrator.conf and humantasks.conf have the other defaults; only what the environment
# names is passed on.
_OURS = ("ORCHESTRATOR_", "HUMANTASKS_")
globals().update(
    {key: _from_text(text) for key, text in os.environ.items() if key.startswith(_OURS)}
)
