"""What a name in a record means: `module:qualified.name`, looked up in today's code."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def look_up(name: str) -> Any:
    """What `name` names. Raises any error at all: a module may fail when it is imported."""
    module, _, path = name.partition(":")
    found: Any = import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return found
