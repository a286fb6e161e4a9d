"""Reading values: JSON to Python, rebuilding what was written with a tag."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AnyUrl, BaseModel, RootModel

from orchestrator.core.classes import find_class, shape
from orchestrator.core.errors import UndecodableValue
from orchestrator.core.packing import TAG


def unpack(packed: dict[str, Any]) -> Any:
    """What `packed` was written from; itself if it has no tag. Raises UndecodableValue."""
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


def _read_url(packed: dict[str, Any]) -> Any:
    return _checked(packed, lambda found: issubclass(found, AnyUrl))(packed["v"])


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
    "ip": lambda packed: ip_address(packed["v"]),
    "network": lambda packed: ip_network(packed["v"]),
    "interface": lambda packed: ip_interface(packed["v"]),
    "url": _read_url,
    "path": lambda packed: Path(packed["v"]),
    "bytes": lambda packed: base64.b64decode(packed["v"]),
    "bytearray": lambda packed: bytearray(base64.b64decode(packed["v"])),
    "enum": _read_enum,
    "namedtuple": _read_namedtuple,
    "dataclass": _read_dataclass,
    "model": _read_model,
}
