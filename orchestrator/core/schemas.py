"""Checking values against what an author has declared: a type, or a callable that raises."""

from __future__ import annotations

import inspect
from types import UnionType
from typing import (
    Any,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import typing_extensions
from pydantic import InstanceOf, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

from orchestrator.core.classes import find_class
from orchestrator.core.errors import InvalidInput, UndecodableValue


def adapter(hint: Any) -> TypeAdapter[Any]:
    """What checks values of the type `hint`."""
    try:
        return TypeAdapter(hint)
    except PydanticSchemaGenerationError:
        # A class that pydantic does not know: an instance of it is what is wanted.
        if isinstance(hint, type):
            return TypeAdapter(InstanceOf[hint])
        return TypeAdapter(hint, config={"arbitrary_types_allowed": True})
    except PydanticUserError as error:
        if error.code != "typed-dict-version" or (known := _with_known_dicts(hint)) is hint:
            raise
        return TypeAdapter(known)


def _with_known_dicts(hint: Any) -> Any:
    """`hint` with dictionaries that pydantic knows: before Python 3.12 not those of `typing`."""
    if is_typeddict(hint):
        fields = get_type_hints(hint, include_extras=True)
        known: Any = {name: _field(hint, name, field) for name, field in fields.items()}
        # By another name: a type checker reads a call of TypedDict as a declaration.
        make: Any = typing_extensions.TypedDict
        return make(hint.__name__, known)
    args = get_args(hint)
    known_args = tuple(map(_with_known_dicts, args))
    origin = Union if get_origin(hint) is UnionType else get_origin(hint)
    return hint if known_args == args else origin[known_args]


def _field(kind: Any, name: str, hint: Any) -> Any:
    """The type of a TypedDict's field; its totality is said field by field."""
    if get_origin(hint) in (Required, NotRequired):
        return get_origin(hint)[_with_known_dicts(*get_args(hint))]
    totality: Any = Required if name in kind.__required_keys__ else NotRequired
    return totality[_with_known_dicts(hint)]


def stored_name(schema: Any) -> str | None:
    """The name by which another process finds a schema; None if it has none."""
    name = f"{getattr(schema, '__module__', '')}:{getattr(schema, '__qualname__', '')}"
    try:
        return name if inspect.isclass(schema) and find_class(name) is schema else None
    except UndecodableValue:
        return None


def check_payload(name: str, payload: Any, event: str) -> None:
    """Check an event's payload against the schema of a wait. Raises InvalidInput.

    A schema that this process does not have is left to the receiver.
    """
    try:
        schema = find_class(name)
    except UndecodableValue:
        return
    payload_check(schema, payload, event)


def payload_check(schema: Any, payload: Any, event: str) -> Any:
    """`payload` as the schema of a wait makes it. Raises InvalidInput."""
    known = adapter(schema) if inspect.isclass(schema) else schema
    return validated(known, payload, f"event {event!r}")


def check_schema(what: str, schema: Any) -> None:
    """Raises TypeError for what can check nothing: no type, no function."""
    is_type = isinstance(schema, TypeAdapter) or get_origin(schema) is not None
    if schema is not None and not is_type and not callable(schema):
        raise TypeError(f"{what}={schema!r} is no type, and no function that raises")


def validated(schema: Any, value: Any, what: str) -> Any:
    """`value` as `schema` makes it. Raises InvalidInput with the paths of what is wrong."""
    try:
        if get_origin(schema) is not None:  # `list[int]` may be called, and checks nothing then.
            schema = adapter(schema)
        if isinstance(schema, TypeAdapter):
            return schema.validate_python(value)
        if hasattr(schema, "model_validate"):
            return schema.model_validate(value)
        checked = schema(value)
    except ValidationError as error:
        errors: list[dict[str, Any]] = [
            {"loc": list(one["loc"]), "msg": one["msg"], "type": one["type"]}
            for one in error.errors()
        ]
        lines = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'value'}: {one['msg']}" for one in errors
        )
        raise InvalidInput(f"{what}: {lines}", errors) from error
    except Exception as error:
        raise InvalidInput(
            f"{what}: {error}", [{"loc": [], "msg": str(error), "type": "refused"}]
        ) from error
    # A validator that only raises returns None, or says yes: the value is what it was.
    return value if checked is None or checked is True else checked
