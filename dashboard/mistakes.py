"""What is wrong with an input that somebody typed as JSON, and what to write instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from orchestrator.core.definition import Definition
from orchestrator.core.errors import InvalidInput

Path = Sequence[str | int]

_TEXT = "must be text, in double quotes"
_WHOLE = "must be a whole number, such as 3"
_NUMBER = "must be a number, such as 1.5"
_DECIMAL = 'must be a number; write it as text to keep its digits, such as "12.50"'
_YES_NO = "must be true or false"
_OBJECT = "must be an object, in braces"
_LIST = "must be a list, in brackets"
_DATE = 'must be a date, such as "2026-01-31"'
_TIME = 'must be a time with its zone, such as "2026-01-31T09:00:00Z"'
_ONE_OF = "must be one of {expected}"

# By pydantic's names of errors; in braces what it says of the limit.
_WORDS: Mapping[str, str] = {
    "missing": "is missing",
    "missing_argument": "is missing",
    "extra_forbidden": "is unknown here",
    "unexpected_keyword_argument": "is unknown here",
    "none_required": "must be null",
    "string_type": _TEXT,
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "may have {max_length} characters at most",
    "string_pattern_mismatch": "must match the pattern {pattern}",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "decimal_type": _DECIMAL,
    "decimal_parsing": _DECIMAL,
    "bool_type": _YES_NO,
    "bool_parsing": _YES_NO,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dataclass_type": _OBJECT,
    "dict_type": _OBJECT,
    "mapping_type": _OBJECT,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "datetime_type": _TIME,
    "datetime_parsing": _TIME,
    "datetime_from_date_parsing": _TIME,
    "timezone_aware": _TIME,
    "enum": _ONE_OF,
    "literal_error": _ONE_OF,
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "multiple_of": "must be a multiple of {multiple_of}",
    "too_short": "must have at least {min_length} items",
    "too_long": "may have {max_length} items at most",
    "uuid_parsing": "must be a UUID",
    "url_parsing": 'must be an address, such as "https://example.org"',
}
_EXTRA = ("extra_forbidden", "unexpected_keyword_argument")


def sentences(refused: InvalidInput) -> list[str]:
    """One for each thing that is wrong, with the path of the field in the input."""
    cause = refused.__cause__
    if isinstance(cause, ValidationError):
        found = cause.errors(include_url=False, include_input=False)
        return [_sentence(one["loc"], _words(one)) for one in found]
    # A check of the author's own, which says it in their words.
    return [one["msg"] for one in refused.errors] or [str(refused)]


def ignored_fields(definition: Definition, value: Any) -> list[str]:
    """A sentence for each field that the workflow would leave out without a word.

    Only a check that knows its fields can tell; one that is written by hand cannot.
    """
    source = definition.input_schema or definition.input_adapter
    try:
        adapter = source if isinstance(source, TypeAdapter) else TypeAdapter(source)
        taken = adapter.validate_python(value)
    except Exception:
        # Not a type that pydantic knows; or the start will say what else is wrong.
        return []
    return [
        _sentence(path, f"is unknown. {_known(taken, path)}")
        for path in _extras(adapter, value)
        if _is_in(value, path) and not _is_kept(taken, path)
    ]


def _extras(adapter: TypeAdapter[Any], value: Any) -> list[Path]:
    try:
        adapter.validate_python(value, extra="forbid")
    except ValidationError as error:
        return [one["loc"] for one in error.errors() if one["type"] in _EXTRA]
    return []


def _words(error: Any) -> str:
    said = _WORDS.get(error["type"])
    if said is not None:
        return said.format_map(error.get("ctx", {}))
    message = str(error.get("ctx", {}).get("error") or error["msg"])
    return f"is refused: {message}"


def _sentence(path: Path, words: str) -> str:
    where = ".".join(str(part) for part in path)
    return f"{where or 'The input'} {words.rstrip('.')}."


def _is_in(value: Any, path: Path) -> bool:
    """Whether the path is one of the typed value; pydantic adds the names of alternatives."""
    for part in path:
        try:
            value = value[part]
        except (LookupError, TypeError):
            return False
    return True


def _is_kept(taken: Any, path: Path) -> bool:
    """Whether the type keeps fields that it does not name."""
    parent = _parent(taken, path)
    return path[-1] in (getattr(parent, "model_extra", None) or {})


def _known(taken: Any, path: Path) -> str:
    parent = type(_parent(taken, path))
    for attribute in ("model_fields", "__dataclass_fields__", "__annotations__"):
        if names := getattr(parent, attribute, None):
            return f"There is {', '.join(names)}"
    return "Nothing reads it"


def _parent(taken: Any, path: Path) -> Any:
    for part in path[:-1]:
        is_field = isinstance(part, str) and not isinstance(taken, Mapping)
        taken = getattr(taken, str(part), None) if is_field else taken[part]
    return taken
