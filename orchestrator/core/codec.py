"""Values as text: JSON with a small tagged extension, and never pickle.

A value that JSON has no type for is written as `{"$": tag, "v": …}`; a mapping that
could be mistaken for one is written as a list of pairs. `decode(encode(x))` has the
type and the value of `x`, but for subclasses of str, int, float, list and dict, which
come back as their base.
"""

from __future__ import annotations

import base64
import dataclasses
import inspect
import json
import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, RootModel

from orchestrator.core.classes import class_path, find_class, shape
from orchestrator.core.errors import NotSerializable, PayloadTooLarge, UndecodableValue

# The inbox finds classes by name too.
__all__ = ["decode", "encode", "find_class"]

TAG = "$"
MAX_DEPTH = 100
MAX_INT_BITS = 14_000  # Python reads no longer integer from text (4,300 digits).

_dump = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def encode(value: object, *, root: str = "value", limit: int | None = None) -> str:
    """`value` as text. `root` names it in errors, `limit` is in bytes of UTF-8.

    Raises NotSerializable with the path to what cannot be stored, and PayloadTooLarge.
    """
    try:
        text = _dump(_pack(value, root, 0))
    except NotSerializable:
        raise
    except Exception as error:
        # The author's code: an attribute, a `repr`, an iterator.
        raise NotSerializable(
            f"{root} cannot be stored: reading it raised {type(error).__name__}"
        ) from error
    if limit is not None and len(text) * 4 > limit:
        size = len(text.encode())
        if size > limit:
            raise PayloadTooLarge(
                f"{root} is {size:,} bytes; the limit is {limit:,} (ORCHESTRATOR_MAX_PAYLOAD). "
                "Store it elsewhere and pass a reference."
            )
    return text


def decode(text: str) -> Any:
    """The value that `encode` made `text` from.

    Raises UndecodableValue when a class is gone or refuses the stored fields.
    """
    try:
        return _load(text)
    except (ValueError, RecursionError) as error:
        raise UndecodableValue(f"a stored value is not JSON: {error}") from error


# ---- writing -------------------------------------------------------------------------


def _pack(value: Any, path: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise NotSerializable(f"{path} is nested deeper than {MAX_DEPTH} levels, or holds itself")
    kind = type(value)
    if value is None or kind is bool:
        return value
    writer = _WRITERS.get(kind) or _writer_of_subclass(kind)  # type: ignore[arg-type] # a class is hashable
    if writer is None:
        raise NotSerializable(
            f"{path} is a {kind.__module__}.{kind.__qualname__}: cannot be stored"
        )
    return writer(value, path, depth + 1)


def _text(value: str, path: str, _depth: int) -> str:
    if "\x00" in value:
        raise NotSerializable(f"{path} holds a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise NotSerializable(f"{path} holds a lone surrogate") from None
    return str.__str__(value)


def _integer(value: int, path: str, _depth: int) -> int:
    if value.bit_length() > MAX_INT_BITS:
        raise NotSerializable(f"{path} is an integer of over 4,000 digits")
    return int.__int__(value)


def _number(value: float, path: str, _depth: int) -> float:
    if not math.isfinite(value):
        raise NotSerializable(f"{path} is {value}: not a finite number")
    return float.__float__(value)


def _items(values: Any, path: str, depth: int) -> list[Any]:
    return [_pack(item, f"{path}[{index}]", depth) for index, item in enumerate(values)]


def _set_items(values: Any, path: str, depth: int) -> list[Any]:
    # Sorted, so that equal sets make equal text (idempotency keys compare it).
    return sorted((_pack(item, f"{path}{{{item!r}}}", depth) for item in values), key=repr)


def _mapping(value: dict[Any, Any], path: str, depth: int) -> Any:
    if (
        all(isinstance(key, str) and not isinstance(key, Enum) for key in value)
        and TAG not in value
    ):
        return {
            _text(key, f"{path} (a key)", depth): _pack(item, f"{path}.{key}", depth)
            for key, item in value.items()
        }
    pairs = [
        [_pack(key, f"{path} (a key)", depth), _pack(item, f"{path}[{key!r}]", depth)]
        for key, item in value.items()
    ]
    return {TAG: "dict", "v": pairs}


def _clock(tag: str) -> Callable[[Any, str, int], dict[str, Any]]:
    def pack(value: datetime | time, path: str, _depth: int) -> dict[str, Any]:
        packed: dict[str, Any] = {TAG: tag, "v": value.isoformat()}
        if isinstance(value.tzinfo, ZoneInfo) and value.tzinfo.key:
            packed["z"] = value.tzinfo.key
        elif value.tzinfo is not None and value.utcoffset() is None:
            raise NotSerializable(f"{path} has a time zone without a name: use zoneinfo.ZoneInfo")
        return packed

    return pack


def _decimal(value: Decimal, path: str, _depth: int) -> dict[str, Any]:
    if not value.is_finite():
        raise NotSerializable(f"{path} is {value}: not a finite number")
    return {TAG: "decimal", "v": str(value)}


def _tagged(tag: str, pack: Callable[[Any], Any]) -> Callable[[Any, str, int], dict[str, Any]]:
    return lambda value, _path, _depth: {TAG: tag, "v": pack(value)}


def _collection(
    tag: str, items: Callable[[Any, str, int], list[Any]] = _items
) -> Callable[[Any, str, int], dict[str, Any]]:
    return lambda value, path, depth: {TAG: tag, "v": items(value, path, depth)}


def _enum(value: Enum, path: str, _depth: int) -> dict[str, Any]:
    # Flags that are combined have no name to be found again by.
    stored = value.value if isinstance(value, Flag) else value.name
    return {TAG: "enum", "c": class_path(type(value), path), "v": stored}


def _namedtuple(value: Any, path: str, depth: int) -> dict[str, Any]:
    return {TAG: "namedtuple", "c": class_path(type(value), path), "v": _items(value, path, depth)}


def _dataclass(value: Any, path: str, depth: int) -> dict[str, Any]:
    kind = type(value)
    if other := _not_fields(kind):  # type: ignore[arg-type] # a class is hashable
        raise NotSerializable(f"{path} is a {kind.__qualname__}, which is built from {other} too")
    fields = {
        field.name: _pack(_set_field(value, field.name, path), f"{path}.{field.name}", depth)
        for field in dataclasses.fields(value)
    }
    packed = {TAG: "dataclass", "c": class_path(kind, path), "v": fields}
    return packed | {"b": True} if _is_its_fields(value, fields) else packed


def _is_its_fields(value: Any, fields: dict[str, Any]) -> bool:
    """True when reading needs no `__post_init__`: it made no attributes besides the fields."""
    kind: Any = type(value)
    if not hasattr(kind, "__post_init__") or kind.__new__ is not object.__new__:
        return False
    # What the class has too is a cached property; `__orig_class__` is typing's.
    others = getattr(value, "__dict__", {}).keys() - fields.keys()
    return all(name.startswith("__") or hasattr(kind, name) for name in others)


def _set_field(value: Any, name: str, path: str) -> Any:
    try:
        return getattr(value, name)
    except AttributeError:
        raise NotSerializable(f"{path}.{name} was never set") from None


@lru_cache(maxsize=1024)
def _not_fields(kind: type) -> str:
    """What the constructor of a dataclass needs besides its fields, such as an InitVar."""
    fields = {field.name for field in dataclasses.fields(kind) if field.init}
    return ", ".join(
        one.name
        for one in inspect.signature(kind).parameters.values()
        if one.default is one.empty and one.kind != one.VAR_KEYWORD and one.name not in fields
    )


def _model(value: BaseModel, path: str, depth: int) -> dict[str, Any]:
    kind = type(value)
    fields = {
        name: _pack(_set_field(value, name, path), f"{path}.{name}", depth)
        for name in kind.model_fields
    }
    packed = {TAG: "model", "c": class_path(kind, path), "v": fields, "s": shape(kind)}
    if value.model_extra:
        # Apart and as a mapping: its keys come from outside, and may look like tags.
        packed["x"] = _mapping(value.model_extra, path, depth)
    if unset := [name for name in fields if name not in value.model_fields_set]:
        packed["u"] = unset
    return packed


_WRITERS: dict[type, Callable[[Any, str, int], Any]] = {
    str: _text,
    int: _integer,
    float: _number,
    list: _items,
    dict: _mapping,
    tuple: _collection("tuple"),
    set: _collection("set", _set_items),
    frozenset: _collection("frozenset", _set_items),
    datetime: _clock("datetime"),
    date: _tagged("date", date.isoformat),
    time: _clock("time"),
    timedelta: _tagged("timedelta", lambda value: [value.days, value.seconds, value.microseconds]),
    Decimal: _decimal,
    UUID: _tagged("uuid", str),
    bytes: _tagged("bytes", lambda value: base64.b64encode(value).decode()),
    bytearray: _tagged("bytearray", lambda value: base64.b64encode(value).decode()),
}


@lru_cache(maxsize=1024)
def _writer_of_subclass(kind: type) -> Callable[[Any, str, int], Any] | None:
    if issubclass(kind, Enum):
        return _enum
    if issubclass(kind, BaseModel):
        return _model
    if dataclasses.is_dataclass(kind):
        return _dataclass
    if issubclass(kind, tuple):
        return _namedtuple if hasattr(kind, "_fields") else None
    for base in (str, int, float, list, dict):
        if issubclass(kind, base):
            return _WRITERS[base]
    return None


# ---- reading -------------------------------------------------------------------------


def _read_datetime(packed: dict[str, Any]) -> datetime:
    value = datetime.fromisoformat(packed["v"])
    if "z" not in packed:
        return value
    zone = ZoneInfo(packed["z"])
    for fold in (0, 1):
        local = value.replace(tzinfo=zone, fold=fold)
        if local.utcoffset() == value.utcoffset():
            return local
    # The rules of the zone have changed since: the instant counts.
    return value.astimezone(zone)


def _read_time(packed: dict[str, Any]) -> time:
    value = time.fromisoformat(packed["v"])
    return value.replace(tzinfo=ZoneInfo(packed["z"])) if "z" in packed else value


def _read_enum(packed: dict[str, Any]) -> Any:
    kind = _checked(packed, lambda found: issubclass(found, Enum))
    stored = packed["v"]
    return kind(stored) if isinstance(stored, int) else kind[stored]


def _read_namedtuple(packed: dict[str, Any]) -> Any:
    return _checked(packed, lambda found: hasattr(found, "_fields"))._make(packed["v"])


def _read_dataclass(packed: dict[str, Any]) -> Any:
    kind = _checked(packed, dataclasses.is_dataclass)
    settable = {field.name: field.init for field in dataclasses.fields(kind)}
    stored = packed["v"]
    if packed.get("b") and stored.keys() == settable.keys():
        value = object.__new__(kind)
    else:
        value = kind(**{name: item for name, item in stored.items() if settable.get(name, True)})
    for name, item in stored.items():
        # All of them: `__post_init__` may have changed the others.
        object.__setattr__(value, name, item)
    return value


def _read_model(packed: dict[str, Any]) -> Any:
    kind = _checked(packed, lambda found: issubclass(found, BaseModel))
    fields, extra = packed["v"], packed.get("x")
    is_set = {*fields, *(extra or ())}.difference(packed.get("u", ()))
    if packed.get("s") == shape(kind):
        return _rebuilt(kind, fields, extra, is_set)
    # The class has changed: let it say whether the old fields will do.
    if issubclass(kind, RootModel):
        return kind.model_validate(fields["root"])
    value = kind.model_validate(fields | (extra or {}), by_name=True, by_alias=False)
    value.__pydantic_fields_set__ = is_set
    return value


def _rebuilt(kind: Any, fields: dict[str, Any], extra: Any, is_set: set[str]) -> BaseModel:
    """A model as it was stored, without its validators.

    They have had their say when it was made. To ask them again could change the value, or
    refuse it: a date that had to be in the future may be in the past by now.
    """
    value: BaseModel = kind.__new__(kind)
    allows_extra = kind.model_config.get("extra") == "allow"
    value.__setstate__(
        {
            "__dict__": dict(fields),
            "__pydantic_extra__": (extra or {}) if allows_extra else None,
            "__pydantic_fields_set__": is_set,
            "__pydantic_private__": None,
        }
    )
    if kind.__pydantic_post_init__:
        # It makes the private attributes; what else it does to the fields was done before.
        value.model_post_init(None)
        value.__dict__.update(fields)
    return value


def _checked(packed: dict[str, Any], is_right: Callable[[Any], bool]) -> Any:
    kind = find_class(packed["c"])
    if not is_right(kind):
        raise UndecodableValue(f"{packed['c']} is no longer what was stored ({packed[TAG]})")
    return kind


_READERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "dict": lambda packed: dict(packed["v"]),
    "tuple": lambda packed: tuple(packed["v"]),
    "set": lambda packed: set(packed["v"]),
    "frozenset": lambda packed: frozenset(packed["v"]),
    "datetime": _read_datetime,
    "date": lambda packed: date.fromisoformat(packed["v"]),
    "time": _read_time,
    "timedelta": lambda packed: timedelta(*packed["v"]),
    "decimal": lambda packed: Decimal(packed["v"]),
    "uuid": lambda packed: UUID(packed["v"]),
    "bytes": lambda packed: base64.b64decode(packed["v"]),
    "bytearray": lambda packed: bytearray(base64.b64decode(packed["v"])),
    "enum": _read_enum,
    "namedtuple": _read_namedtuple,
    "dataclass": _read_dataclass,
    "model": _read_model,
}


def _unpack(packed: dict[str, Any]) -> Any:
    if TAG not in packed:
        return packed
    try:
        return _READERS[packed[TAG]](packed)
    except UndecodableValue:
        raise
    except Exception as error:
        # Any error at all: a class is built by the author's code.
        what = packed.get("c", packed[TAG])
        raise UndecodableValue(
            f"a stored {what} does not fit today's code: {type(error).__name__}: {error}"
        ) from error


_load = json.JSONDecoder(object_hook=_unpack).decode
