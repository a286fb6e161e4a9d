"""Digests of code: whether two processes have the same code for a workflow.

A run that its code cannot carry on is tried again by code with another fingerprint, and
by no other. It covers the body, its module, and the project's modules that this one has
names from, and theirs; not the libraries. What counts is the source, so it is the same in
every process that was started from the same files.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
import sysconfig
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

LENGTH = 16

_LIBRARIES = tuple(
    f"{path}/" for name, path in sysconfig.get_paths().items() if name.endswith("lib")
)


@cache
def fingerprint(fn: Callable[..., Any]) -> str:
    """The fingerprint of a workflow's body. Read early: files may change while we run."""
    fn = inspect.unwrap(fn)
    digest = hashlib.sha256(f"{fn.__module__}:{fn.__qualname__}".encode())
    for part in _parts(fn.__code__):
        digest.update(part)
    for name in sorted(own_modules(fn.__module__)):
        digest.update(name.encode() + _source(sys.modules[name]))
    return digest.hexdigest()[:LENGTH]


def own_modules(start: str) -> set[str]:
    """`start`, the modules of its project that it has names from, and theirs."""
    package, found, left = start.partition(".")[0], set[str](), [start]
    while left:
        name = left.pop()
        module = sys.modules.get(name)
        if module is None or name in found or not _is_own(module, package):
            continue
        found.add(name)
        left.extend(_sources_of_names(module))
    return found


def _sources_of_names(module: ModuleType) -> Iterator[str]:
    for value in list(vars(module).values()):
        if isinstance(value, ModuleType):
            # A package also has the submodules that somebody has imported so far: they
            # would make the result depend on what this process has done.
            if not value.__name__.startswith(f"{module.__name__}."):
                yield value.__name__
        elif isinstance(value, FunctionType | type):
            yield value.__module__


def _is_own(module: ModuleType, package: str) -> bool:
    path = getattr(module, "__file__", None)
    if not path:
        return False
    # A project that is installed lies among the libraries.
    return not path.startswith(_LIBRARIES) or module.__name__.partition(".")[0] == package


@cache
def _source(module: ModuleType) -> bytes:
    try:
        return hashlib.sha256(Path(str(module.__file__)).read_bytes()).digest()
    except OSError:
        # In an archive: the body's own code is all that there is to see.
        return b""


def _parts(code: CodeType) -> Iterator[bytes]:
    """What a function does, without where it stands."""
    yield code.co_code
    yield repr((code.co_names, code.co_varnames, code.co_freevars)).encode()
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _parts(const)
        elif isinstance(const, frozenset):
            # The order of a set changes from process to process.
            yield repr(sorted(map(repr, const))).encode()
        else:
            yield repr(const).encode()
