"""What is wrong with an answer, in plain words: for people who never heard of pydantic.

A sentence stands under the label of its field, so it does not repeat the label.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

Context = Mapping[str, Any]
Words = Callable[[Context], str]


def shown(text: str) -> str:
    """A text of the author as the reader's language has it; the text itself if it has none."""
    return _(text) if text else ""


def missing(kind: str = "text") -> str:
    """What to do about a field that is empty."""
    if kind in ("choice", "choices"):
        return _("Choose an answer")
    return _("Tick this box") if kind == "boolean" else _("Fill this in")


def too_long(limit: int) -> str:
    words = ngettext(
        "Write at most %(limit)s character", "Write at most %(limit)s characters", limit
    )
    return words % {"limit": number_format(limit, force_grouping=True)}


def message(code: str, context: Context, kind: str = "text") -> str:
    """The sentence for one error of pydantic: `code` and `context` are its type and ctx."""
    if code == "missing" or (code == "literal_error" and kind == "boolean"):
        return missing(kind)
    if code in ("value_error", "assertion_error"):
        # The author of the model wrote it for people.
        return shown(str(context.get("error", ""))) or str(_CHECK)
    words = _WORDS.get(code)
    return words(context) if words else str(_CHECK)


def _limited(text: Any, name: str) -> Words:
    def words(context: Context) -> str:
        limit = context.get(name, "")
        is_number = isinstance(limit, int | float)
        return str(text) % {"limit": number_format(limit) if is_number else limit}

    return words


def _fixed(text: Any) -> Words:
    return lambda _context: str(text)


_CHECK = gettext_lazy("Check this answer")
_NUMBER = _fixed(gettext_lazy("Write a number"))
_WHOLE = _fixed(gettext_lazy("Write a whole number"))
_DATE = _fixed(gettext_lazy("Write a date, such as 2026-01-31"))
_TIME = _fixed(gettext_lazy("Write a date and a time, such as 2026-01-31 14:30"))
_CHOICE = _fixed(gettext_lazy("Choose one of the answers"))
_FORM = _fixed(gettext_lazy("This does not have the right form"))
_PAST = _fixed(gettext_lazy("Must be in the past"))
_FUTURE = _fixed(gettext_lazy("Must be in the future"))
_YES_NO = _fixed(gettext_lazy("Must be yes or no"))

# By pydantic's names of errors.
_WORDS: dict[str, Words] = {
    "string_too_short": _limited(gettext_lazy("Write at least %(limit)s characters"), "min_length"),
    "string_too_long": lambda context: too_long(int(context["max_length"])),
    "string_pattern_mismatch": _FORM,
    "greater_than": _limited(gettext_lazy("Must be more than %(limit)s"), "gt"),
    "greater_than_equal": _limited(gettext_lazy("Must be %(limit)s or more"), "ge"),
    "less_than": _limited(gettext_lazy("Must be less than %(limit)s"), "lt"),
    "less_than_equal": _limited(gettext_lazy("Must be %(limit)s or less"), "le"),
    "multiple_of": _limited(gettext_lazy("Must be a multiple of %(limit)s"), "multiple_of"),
    "int_parsing": _WHOLE,
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "finite_number": _NUMBER,
    "decimal_max_digits": _limited(gettext_lazy("Write at most %(limit)s digits"), "max_digits"),
    "decimal_max_places": _limited(
        gettext_lazy("Write at most %(limit)s digits after the decimal point"), "decimal_places"
    ),
    "decimal_whole_digits": _limited(
        gettext_lazy("Write at most %(limit)s digits before the decimal point"), "whole_digits"
    ),
    "bool_parsing": _YES_NO,
    "bool_type": _YES_NO,
    "date_parsing": _DATE,
    "date_type": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "date_past": _PAST,
    "date_future": _FUTURE,
    "datetime_parsing": _TIME,
    "datetime_type": _TIME,
    "datetime_from_date_parsing": _TIME,
    "datetime_past": _PAST,
    "datetime_future": _FUTURE,
    "time_parsing": _fixed(gettext_lazy("Write a time, such as 14:30")),
    "enum": _CHOICE,
    "literal_error": _CHOICE,
    "too_short": _limited(gettext_lazy("Give at least %(limit)s"), "min_length"),
    "too_long": _limited(gettext_lazy("Give at most %(limit)s"), "max_length"),
    "url_parsing": _fixed(gettext_lazy("Write a web address, such as https://example.org")),
    "uuid_parsing": _FORM,
    "extra_forbidden": _fixed(gettext_lazy("This was not asked for")),
}
