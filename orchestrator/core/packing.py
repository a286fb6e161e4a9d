"""Writing values: Python to JSON, with a tag where JSON has no type."""

from __future__ import annotations

import base64
import dataclasses
import inspect
import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from pathlib import PurePath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AnyUrl, BaseModel

from orchestrator.core.classes import class_path, shape
from orchestrator.core.errors import NotSerializable

TAG = "$"
MAX_DEPTH = 100
MAX_INT_BITS = 14_000  # Python reads no longer integer from text (4,300 digits).


def pack(value: Any, path: str, depth: int) -> Any:
    """`value` as JSON has it; `path` names it in errors."""
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
    return [pack(item, f"{path}[{index}]", depth) for index, item in enumerate(values)]


def _set_items(values: Any, path: str, depth: int) -> list[Any]:
    # Sorted, so that equal sets make equal text (idempotency keys compare it).
    return sorted((pack(item, f"{path}{{{item!r}}}", depth) for item in values), key=repr)


def _mapping(value: dict[Any, Any], path: str, depth: int) -> Any:
    if (
        all(isinstance(key, str) and not isinstance(key, Enum) for key in value)
        and TAG not in value
    ):
        return {
            _text(key, f"{path} (a key)", depth): pack(item, f"{path}.{key}", depth)
            for key, item in value.items()
        }
    pairs = [
        [pack(key, f"{path} (a key)", depth), pack(item, f"{path}[{key!r}]", depth)]
        for key, item in value.items()
    ]
    return {TAG: "dict", "v": pairs}


def _clock(tag: str) -> Callable[[Any, str, int], dict[str, Any]]:
    def write(value: datetime | time, path: str, _depth: int) -> dict[str, Any]:
        packed: dict[str, Any] = {TAG: tag, "v": value.isoformat()}
        if isinstance(value.tzinfo, ZoneInfo) and value.tzinfo.key:
            packed["z"] = value.tzinfo.key
        elif value.tzinfo is not None and value.utcoffset() is None:
            raise NotSerializable(f"{path} has a time zone without a name: use zoneinfo.ZoneInfo")
        return packed

    return write


def _decimal(value: Decimal, path: str, _depth: int) -> dict[str, Any]:
    if not value.is_finite():
        raise NotSerializable(f"{path} is {value}: not a finite number")
    return {TAG: "decimal", "v": str(value)}


def _tagged(tag: str, write: Callable[[Any], Any]) -> Callable[[Any, str, int], dict[str, Any]]:
    return lambda value, _path, _depth: {TAG: tag, "v": write(value)}


def _collection(
    tag: str, items: Callable[[Any, str, int], list[Any]] = _items
) -> Callable[[Any, str, int], dict[str, Any]]:
    return lambda value, path, depth: {TAG: tag, "v": items(value, path, depth)}


def _enum(value: Enum, path: str, _depth: int) -> dict[str, Any]:
    # Flags that are combined have no name to be found again by.
    stored = value.value if isinstance(value, Flag) else value.name
    return {TAG: "enum", "c": class_path(type(value), path), "v": stored}


def _url(value: AnyUrl, path: str, _depth: int) -> dict[str, Any]:
    return {TAG: "url", "c": class_path(type(value), path), "v": _text(str(value), path, 0)}


def _path(value: PurePath, path: str, _depth: int) -> dict[str, Any]:
    # Not with its class: that is another one on another system, and in another Python.
    return {TAG: "path", "v": _text(str(value), path, 0)}


def _namedtuple(value: Any, path: str, depth: int) -> dict[str, Any]:
    return {TAG: "namedtuple", "c": class_path(type(value), path), "v": _items(value, path, depth)}


def _dataclass(value: Any, path: str, depth: int) -> dict[str, Any]:
    kind = type(value)
    if other := _not_fields(kind):  # type: ignore[arg-type] # a class is hashable
        raise NotSerializable(f"{path} is a {kind.__qualname__}, which is built from {other} too")
    fields = {
        field.name: pack(_set_field(value, field.name, path), f"{path}.{field.name}", depth)
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
        name: pack(_set_field(value, name, path), f"{path}.{name}", depth)
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
    IPv4Address: _tagged("ip", str),
    IPv6Address: _tagged("ip", str),
    IPv4Network: _tagged("network", str),
    IPv6Network: _tagged("network", str),
    IPv4Interface: _tagged("interface", str),
    IPv6Interface: _tagged("interface", str),
    bytes: _tagged("bytes", lambda value: base64.b64encode(value).decode()),
    bytearray: _tagged("bytearray", lambda value: base64.b64encode(value).decode()),
}


# Of a class that is not in `_WRITERS`, in this order.
_WRITERS_OF_BASES: tuple[tuple[type, Callable[[Any, str, int], Any]], ...] = (
    (Enum, _enum),
    (BaseModel, _model),
    (AnyUrl, _url),
    (PurePath, _path),
)


@lru_cache(maxsize=1024)
def _writer_of_subclass(kind: type) -> Callable[[Any, str, int], Any] | None:
    for base, writer in _WRITERS_OF_BASES:
        if issubclass(kind, base):
            return writer
    if dataclasses.is_dataclass(kind):
        return _dataclass
    if issubclass(kind, tuple):
        return _namedtuple if hasattr(kind, "_fields") else None
    plain = (str, int, float, list, dict)
    return next((_WRITERS[base] for base in plain if issubclass(kind, base)), None)
