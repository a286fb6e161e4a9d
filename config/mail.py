"""Where mail goes: to a server when one is named, else to the console.

Django 6.1 takes MAILERS and warns about EMAIL_…; Django 5.2 knows only those.
"""

from __future__ import annotations

from typing import Any

import django

from config.environment import Environment

BACKENDS = "django.core.mail.backends"


def mail(env: Environment) -> dict[str, Any]:
    """The settings that the installed Django reads."""
    server = _server(env) if env.email_host else {}
    backend = f"{BACKENDS}.{'smtp' if server else 'console'}.EmailBackend"
    if django.VERSION >= (6, 1):
        return {"MAILERS": {"default": {"BACKEND": backend, "OPTIONS": server}}}
    old_names = {"username": "HOST_USER", "password": "HOST_PASSWORD"}
    return {
        "EMAIL_BACKEND": backend,
        **{f"EMAIL_{old_names.get(name, name.upper())}": value for name, value in server.items()},
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
