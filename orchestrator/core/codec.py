"""Values as text: JSON with a small tagged extension, and never pickle.

A value that JSON has no type for is written as `{"$": tag, "v": …}`; a mapping that
could be mistaken for one is written as a list of pairs. `decode(encode(x))` has the
type and the value of `x`, but for subclasses of str, int, float, list and dict, which
come back as their base.
"""

from __future__ import annotations

import json
from typing import Any

from orchestrator.core.classes import find_class
from orchestrator.core.errors import NotSerializable, PayloadTooLarge, UndecodableValue
from orchestrator.core.packing import TAG, pack
from orchestrator.core.unpacking import unpack

# The inbox finds classes by name too.
__all__ = ["TAG", "decode", "encode", "find_class"]

_dump = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_load = json.JSONDecoder(object_hook=unpack).decode


def encode(value: object, *, root: str = "value", limit: int | None = None) -> str:
    """`value` as text. `root` names it in errors, `limit` is in bytes of UTF-8.

    Raises NotSerializable with the path to what cannot be stored, and PayloadTooLarge.
    """
    try:
        text = _dump(pack(value, root, 0))
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
