"""The inbox's settings, each with its default. `HUMANTASKS_X` in Django's settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings as django_settings

from orchestrator.core.durations import parse_keeping

MEGABYTE = 1_048_576
_ENDINGS = "pdf png jpg jpeg gif webp heic txt csv md docx xlsx pptx odt ods"


def _words(value: Any) -> list[str]:
    found = value.split() if isinstance(value, str) else list(value)
    return [str(word).strip(",").removeprefix(".").lower() for word in found]


# name: (default, how it is read, what it means)
_SETTINGS: dict[str, tuple[Any, Callable[[Any], Any], str]] = {
    "ATTACHMENT_SIZE": (10 * MEGABYTE, int, "Bytes of one attachment at most."),
    "ATTACHMENT_COUNT": (20, int, "Attachments of one task at most, replaced ones too."),
    "ATTACHMENT_TYPES": (_ENDINGS, _words, "The endings of files that may be attached."),
    "DATA_RETENTION": ("forever", parse_keeping, "How long the data of ended tasks is kept."),
}

NAMES = tuple(_SETTINGS)


class Conf:
    """`conf.ATTACHMENT_SIZE` and so on. Read at each use, so that tests may override settings."""

    def __getattr__(self, name: str) -> Any:
        try:
            default, read, _ = _SETTINGS[name]
        except KeyError:
            raise AttributeError(name) from None
        return read(getattr(django_settings, f"HUMANTASKS_{name}", default))


conf = Conf()
