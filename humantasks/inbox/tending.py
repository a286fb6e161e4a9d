"""What happens to tasks by itself. Any worker looks, any number of them side by side."""

from __future__ import annotations

from humantasks.inbox import leases, pausing, presence


def tend() -> int:
    """Wake what was put aside, and set free what nobody works on. How many tasks changed."""
    presence.forget_old()
    return pausing.wake_due() + leases.end_run_out() + leases.end_of_strangers()
