"""The type of a generated output: its schema for the model, and reading what it wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from orchestrator.core.classes import class_path

# Services take only objects for an answer; anything else travels inside of one.
_WRAPPED = "value"
_FENCE = re.compile(r"\A\s*```[a-zA-Z]*\s*\n(.*)\n\s*```\s*\Z", re.DOTALL)


class Output:
    """How an output of the type `hint` is asked for and read. `str` is plain text."""

    def __init__(self, hint: Any) -> None:
        self.hint = hint
        self.schema: dict[str, Any] | None = None
        if hint is str:
            return
        if isinstance(hint, type) and (issubclass(hint, BaseModel) or is_dataclass(hint)):
            # Before a model is paid for an answer that could not be stored.
            class_path(hint, "output")
        try:
            self._adapter: TypeAdapter[Any] = TypeAdapter(hint)
            schema = self._adapter.json_schema()
        except PydanticUserError as error:
            raise TypeError(
                f"output={hint!r} cannot be asked of a model: give a pydantic model, "
                f"a dataclass or a builtin type ({str(error).splitlines()[0]})"
            ) from error
        self._may_be_none = _fits(self._adapter, None)
        self._is_wrapped = not _is_object(schema)
        self.schema = _wrapped(schema) if self._is_wrapped else schema

    def read(self, text: str) -> Any:
        """The output that a model wrote. Raises pydantic's ValidationError."""
        if self.schema is None:
            return text
        if self._may_be_none and not text.strip():
            # Models say nothing where there is nothing to say.
            return None
        if fenced := _FENCE.match(text):
            text = fenced[1]
        if self._is_wrapped:
            text = _unwrapped(text)
        return self._adapter.validate_json(text)


def _fits(adapter: TypeAdapter[Any], value: Any) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True


def _is_object(schema: Mapping[str, Any]) -> bool:
    if reference := schema.get("$ref"):
        schema = schema["$defs"][reference.rsplit("/", 1)[-1]]
    return schema.get("type") == "object"


def _wrapped(schema: dict[str, Any]) -> dict[str, Any]:
    definitions = schema.pop("$defs", None)
    wrapped: dict[str, Any] = {
        "type": "object",
        "properties": {_WRAPPED: schema},
        "required": [_WRAPPED],
        "additionalProperties": False,
    }
    return wrapped if definitions is None else wrapped | {"$defs": definitions}


def _unwrapped(text: str) -> str:
    """What is inside; the text itself when the model has left the wrapping out."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    is_wrapping = isinstance(found, dict) and found.keys() == {_WRAPPED}
    return json.dumps(found[_WRAPPED]) if is_wrapping else text
