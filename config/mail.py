"""Where mail goes: to a server when one is named, else into files under `var/mail/`.

Django 6.1 takes MAILERS and warns about EMAIL_…; Django 5.2 knows only those.
"""

from __future__ import annotations

from typing import Any

import django

from config.environment import Environment

BACKENDS = "django.core.mail.backends"


def mail(env: Environment) -> dict[str, Any]:
    """The settings that the installed Django reads."""
    backend = f"{BACKENDS}.{'smtp' if env.email_host else 'filebased'}.EmailBackend"
    options = _server(env) if env.email_host else {"file_path": str(env.var_dir / "mail")}
    if django.VERSION >= (6, 1):
        return {"MAILERS": {"default": {"BACKEND": backend, "OPTIONS": options}}}
    old_names = {"username": "HOST_USER", "password": "HOST_PASSWORD"}
    return {
        "EMAIL_BACKEND": backend,
        **{f"EMAIL_{old_names.get(name, name.upper())}": value for name, value in options.items()},
    }


def _server(env: Environment) -> dict[str, Any]:
    return {
        "host": env.email_host,
        "port": env.email_port,
        "username": env.email_host_user,
        "password": env.email_host_password.get_secret_value(),
        "use_tls": env.email_use_tls,
        # Seconds. Mail is sent by workers, which have other things to do.
        "timeout": 10,
    }
