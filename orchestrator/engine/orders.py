"""What operators tell a run through its mailbox, so that only a tick writes its journal."""

from __future__ import annotations

SKIP = "@skip "
RETRY = "@retry "
RESOLVE = "@resolve "

PREFIXES = (SKIP, RETRY, RESOLVE)


def about(name: str, prefix: str) -> str | None:
    """The key that an order with this prefix is about; None for another order."""
    return name.removeprefix(prefix) if name.startswith(prefix) else None
