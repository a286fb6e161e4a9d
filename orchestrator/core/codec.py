"""Values as text: JSON with a small tagged extension, and never pickle.

A value that JSON has no type for is written as `{"$": tag, "v": …}`; a mapping that
could be mistaken for one is written as a list of pairs. `decode(encode(x))` has the
type and the value of `x`, but for subclasses of str, int, float, list and dict, which
come back as their base.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from importlib import import_module
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, RootModel, ValidationError

from orchestrator.core.errors import NotSerializable, PayloadTooLarge, UndecodableValue

TAG = "$"
MAX_DEPTH = 100
MAX_INT_BITS = 14_000  # Python reads no longer integer from text (4,300 digits).

_dump = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def encode(value: object, *, root: str = "value", limit: int | None = None) -> str:
    """`value` as text. `root` names it in errors, `limit` is in bytes of UTF-8.

    Raises NotSerializable with the path to what cannot be stored, and PayloadTooLarge.
    """
    text = _dump(_pack(value, root, 0))
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
    return json.loads(text, object_hook=_unpack)


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
    return str(value)


def _integer(value: int, path: str, _depth: int) -> int:
    if value.bit_length() > MAX_INT_BITS:
        raise NotSerializable(f"{path} is an integer of over 4,000 digits")
    return int(value)


def _number(value: float, path: str, _depth: int) -> float:
    if not math.isfinite(value):
        raise NotSerializable(f"{path} is {value}: not a finite number")
    return float(value)


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


def _datetime(value: datetime, _path: str, _depth: int) -> dict[str, Any]:
    packed: dict[str, Any] = {TAG: "datetime", "v": value.isoformat()}
    if isinstance(value.tzinfo, ZoneInfo) and value.tzinfo.key:
        packed["z"] = value.tzinfo.key
    return packed


def _tagged(tag: str, pack: Callable[[Any], Any]) -> Callable[[Any, str, int], dict[str, Any]]:
    return lambda value, _path, _depth: {TAG: tag, "v": pack(value)}


def _collection(
    tag: str, items: Callable[[Any, str, int], list[Any]] = _items
) -> Callable[[Any, str, int], dict[str, Any]]:
    return lambda value, path, depth: {TAG: tag, "v": items(value, path, depth)}


def _enum(value: Enum, path: str, _depth: int) -> dict[str, Any]:
    return {TAG: "enum", "c": _class_path(type(value), path), "v": value.name}


def _namedtuple(value: Any, path: str, depth: int) -> dict[str, Any]:
    return {TAG: "namedtuple", "c": _class_path(type(value), path), "v": _items(value, path, depth)}


def _dataclass(value: Any, path: str, depth: int) -> dict[str, Any]:
    fields = {
        field.name: _pack(getattr(value, field.name), f"{path}.{field.name}", depth)
        for field in dataclasses.fields(value)
    }
    return {TAG: "dataclass", "c": _class_path(type(value), path), "v": fields}


def _model(value: BaseModel, path: str, depth: int) -> dict[str, Any]:
    names = [*type(value).model_fields, *(value.model_extra or {})]
    fields = {name: _pack(getattr(value, name), f"{path}.{name}", depth) for name in names}
    packed = {TAG: "model", "c": _class_path(type(value), path), "v": fields}
    if unset := [name for name in names if name not in value.model_fields_set]:
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
    datetime: _datetime,
    date: _tagged("date", date.isoformat),
    time: _tagged("time", time.isoformat),
    timedelta: _tagged("timedelta", lambda value: [value.days, value.seconds, value.microseconds]),
    Decimal: _tagged("decimal", str),
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


def _class_path(kind: type, path: str) -> str:
    name = f"{kind.__module__}:{kind.__qualname__}"
    if not _is_importable(kind, name):
        raise NotSerializable(f"{path} is a {name}, which cannot be imported by that name")
    return name


@lru_cache(maxsize=1024)
def _is_importable(kind: type, name: str) -> bool:
    try:
        return find_class(name) is kind
    except UndecodableValue:
        return False


# ---- reading -------------------------------------------------------------------------


def find_class(name: str) -> type:
    """The class that `module:qualified.name` names. Raises UndecodableValue."""
    module, _, path = name.partition(":")
    try:
        found: Any = import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise UndecodableValue(f"there is no class {name} any more") from error
    if not isinstance(found, type):
        raise UndecodableValue(f"{name} is not a class")
    return found


def _read_datetime(packed: dict[str, Any]) -> datetime:
    value = datetime.fromisoformat(packed["v"])
    return value.astimezone(ZoneInfo(packed["z"])) if "z" in packed else value


def _read_enum(packed: dict[str, Any]) -> Any:
    kind = _checked(packed, lambda found: issubclass(found, Enum))
    return kind[packed["v"]]


def _read_namedtuple(packed: dict[str, Any]) -> Any:
    return _checked(packed, lambda found: hasattr(found, "_fields"))(*packed["v"])


def _read_dataclass(packed: dict[str, Any]) -> Any:
    kind = _checked(packed, dataclasses.is_dataclass)
    settable = {field.name: field.init for field in dataclasses.fields(kind)}
    stored = packed["v"]
    value = kind(**{name: item for name, item in stored.items() if settable.get(name, True)})
    for name, item in stored.items():
        if settable.get(name) is False:
            object.__setattr__(value, name, item)
    return value


def _read_model(packed: dict[str, Any]) -> Any:
    kind = _checked(packed, lambda found: issubclass(found, BaseModel))
    fields = packed["v"]
    if issubclass(kind, RootModel):
        return kind.model_validate(fields["root"])
    unset = set(packed.get("u", ()))
    value = kind.model_validate(fields, by_name=True, by_alias=False)
    value.__pydantic_fields_set__ = set(fields) - unset
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
    "time": lambda packed: time.fromisoformat(packed["v"]),
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
    reader = _READERS.get(packed[TAG])
    if reader is None:
        raise UndecodableValue(f"unknown tag {packed[TAG]!r}")
    try:
        return reader(packed)
    except (KeyError, TypeError, ValueError, ArithmeticError, ValidationError) as error:
        what = packed.get("c", packed[TAG])
        raise UndecodableValue(f"a stored {what} does not fit today's code: {error}") from error
