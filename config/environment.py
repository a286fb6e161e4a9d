"""Every environment variable that a deployment may set, typed, with its default.

The defaults run on a laptop with nothing installed: SQLite under `var/` and an in-process
broker. `PRODUCTION=true` turns the defaults that are only good there into errors.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from django.core.exceptions import ImproperlyConfigured
from pydantic import (
    BeforeValidator,
    Field,
    PositiveInt,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

BASE_DIR = Path(__file__).resolve().parent.parent

# As `check --deploy` counts them (security.W009).
SECRET_KEY_LENGTH = 50
SECRET_KEY_UNIQUE = 5


def _split(value: object) -> object:
    """`"a, b"` as `["a", "b"]`: what people write in an environment variable."""
    if not isinstance(value, str):
        return value
    return [item for part in value.split(",") if (item := part.strip())]


Words = Annotated[list[str], NoDecode, BeforeValidator(_split)]


class Environment(BaseSettings):
    """What the process was told from outside. A wrong value stops the start and is named."""

    # A validation error may show the values around it; one of them is the secret key.
    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    # Serve real people: HTTPS only, secure cookies, JSON logs, no example data, and no
    # start with a missing or weak secret.
    production: bool = False
    # Only for trying production out on one machine, as compose.yaml does: no redirect,
    # no HSTS, cookies that travel in the clear.
    https: bool = True
    debug: bool = False
    secret_key: SecretStr = SecretStr("")
    # Old keys still verify signed links and sessions while a new one is rolled out.
    secret_key_fallbacks: Words = []
    # Names under which people reach the site. The loopback names are always served, so
    # that a health probe on the machine needs no name.
    allowed_hosts: Words = []
    # Whole origins (https://…) when a proxy changes the host or the port.
    csrf_trusted_origins: Words = []
    # A proxy in front ends TLS and sets X-Forwarded-Proto itself. Never say so when
    # clients can reach this process without it.
    behind_proxy: bool = False
    hsts_preload: bool = False

    # Where the embedded database, the generated key and uploads live.
    var_dir: Path = BASE_DIR / "var"
    static_root: Path | None = None

    database_url: SecretStr = SecretStr("")
    # Seconds for which a connection is kept. Without meaning when there is a pool.
    database_conn_max_age: int = 60
    # Connections of this process at most, shared by its threads. 0: one for each thread.
    database_pool: int = Field(default=0, ge=0)
    # Give up on slow statements and forgotten transactions. For web processes only: an
    # `atomic=True` step of a worker may rightly hold its transaction for minutes.
    database_web_timeouts: bool = False
    # PgBouncer in transaction mode hands each transaction another server connection.
    pgbouncer: bool = False

    broker_url: SecretStr = SecretStr("memory://localhost/")
    worker_concurrency: PositiveInt = 4

    email_host: str = ""
    email_port: PositiveInt = 587
    email_host_user: str = ""
    email_host_password: SecretStr = SecretStr("")
    email_use_tls: bool = True
    default_from_email: str = "orchestrator@localhost"

    # AI steps: provider:model, such as openai:gpt-5-mini; unset, a local stub answers.
    ai_model: str = ""
    openai_api_key: SecretStr = SecretStr("")
    # Of any service that speaks OpenAI's interface.
    openai_base_url: str = "https://api.openai.com/v1"

    language_code: Literal["en", "de"] = "en"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    # Example workflows. Unset: everywhere but in production.
    examples: bool | None = None

    @property
    def has_examples(self) -> bool:
        return not self.production if self.examples is None else self.examples

    @property
    def is_https(self) -> bool:
        return self.production and self.https

    @property
    def signing_key(self) -> str:
        """The secret key; without one, a generated key that `var/` keeps."""
        return self.secret_key.get_secret_value() or _kept_key(self.var_dir / "secret_key")

    @model_validator(mode="after")
    def _refuse_unsafe_production(self) -> Self:
        if self.production and (problems := list(self._problems())):
            raise ValueError("PRODUCTION=true, but " + "; ".join(problems))
        return self

    def _problems(self) -> list[str]:
        checks = {
            "DEBUG is on": self.debug,
            _WEAK_KEY: _is_weak(self.secret_key.get_secret_value()),
            "ALLOWED_HOSTS is empty": not self.allowed_hosts,
            "ALLOWED_HOSTS has '*'": "*" in self.allowed_hosts,
            "DATABASE_URL is missing": not self.database_url.get_secret_value(),
            # It ends with the process, and reaches no other.
            "BROKER_URL is memory://": self.broker_url.get_secret_value().startswith("memory:"),
        }
        return [problem for problem, is_so in checks.items() if is_so]


_WEAK_KEY = f"SECRET_KEY is missing, shorter than {SECRET_KEY_LENGTH} characters or a default"


def read() -> Environment:
    """What the environment says. Raises ImproperlyConfigured with all that is wrong with it."""
    try:
        return Environment()
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise ImproperlyConfigured("; ".join(map(_sentence, found))) from None


def _sentence(error: Any) -> str:
    name = "_".join(str(part) for part in error["loc"]).upper()
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{name}: {message}" if name else message


def _is_weak(key: str) -> bool:
    return (
        len(key) < SECRET_KEY_LENGTH
        or len(set(key)) < SECRET_KEY_UNIQUE
        or key.startswith("django-insecure-")
    )


def _kept_key(path: Path) -> str:
    """The key in `path`, made on the first start.

    Linking a finished file is atomic: processes that start together agree on one key, and
    none reads half of it. mkstemp gives it mode 0600.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(SECRET_KEY_LENGTH))
        with suppress(FileExistsError):
            os.link(draft, path)
        os.unlink(draft)
    return path.read_text()
