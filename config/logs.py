"""Two ways to print a log record, and what is not worth printing.

Both ways show what the caller gave as `extra`, by name.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

# What every record has; the rest of its attributes came as `extra`. Django adds the request,
# which is an object and not a fact.
_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "request"}


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _instant(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


class WithoutHints(logging.Filter):
    """Leaves out what Celery says when all is well with hints.

    That is two lines for each message, which say that a worker looks and not what it finds;
    and that it has reached the broker inside its own process.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno > logging.INFO or not record.name.startswith("celery."):
            return True
        data = getattr(record, "data", None)
        name = str(data.get("name")) if isinstance(data, dict) else ""
        is_own_broker = record.getMessage().startswith("Connected to memory:")
        return not (name.startswith("orchestrator.") or is_own_broker)


class TextFormatter(logging.Formatter):
    """`2026-11-21T09:00:00.000+00:00 INFO orchestrator: message run_id=…`, for people."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        head = f"{_instant(record)} {record.levelname} {record.name}: {record.message}"
        return " ".join([head, *(f"{name}={value}" for name, value in _extra(record).items())])


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for collectors. The exception is text within it."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": _instant(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        # A log line must not fail on a value it does not know.
        return json.dumps(fields, default=str)
