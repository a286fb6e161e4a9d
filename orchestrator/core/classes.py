"""Classes by name: a stored value or failure names its class as `module:qualified.name`."""

from __future__ import annotations

import re
import zlib
from functools import lru_cache

from pydantic import BaseModel

from orchestrator.core.errors import NotSerializable, UndecodableValue
from orchestrator.core.importing import look_up


def find_class(name: str) -> type:
    """The class that `module:qualified.name` names. Raises UndecodableValue."""
    try:
        found = look_up(name)
    except Exception as error:
        raise UndecodableValue(f"there is no class {name} any more") from error
    if not isinstance(found, type):
        raise UndecodableValue(f"{name} is not a class")
    return found


def class_path(kind: type, path: str) -> str:
    """The name that `find_class` finds `kind` by. Raises NotSerializable, naming `path`."""
    name = f"{kind.__module__}:{kind.__qualname__}"
    # Another process has another __main__.
    if kind.__module__ == "__main__" or not _is_importable(kind, name):
        raise NotSerializable(f"{path} is a {name}, which cannot be imported by that name")
    return name


@lru_cache(maxsize=1024)
def shape(kind: type[BaseModel]) -> int:
    """A number that changes when a model's fields or their types do."""
    fields = repr([(name, field.annotation) for name, field in kind.model_fields.items()])
    # Another process has a validator in an annotation at another address.
    return zlib.crc32(re.sub(r" at 0x[0-9a-fA-F]+", "", fields).encode())


@lru_cache(maxsize=1024)
def _is_importable(kind: type, name: str) -> bool:
    try:
        return find_class(name) is kind
    except UndecodableValue:
        return False
