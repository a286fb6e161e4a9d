"""What happens to tasks by itself. Any worker looks, any number of them side by side."""

from __future__ import annotations

from humantasks.inbox import leases, pausing, presence, timing


def tend() -> int:
    """Wake what was put aside, set free what nobody works on, and escalate what is overdue.

    How many tasks changed.
    """
    presence.forget_old()
    freed = leases.end_run_out() + leases.end_of_strangers()
    return pausing.wake_due() + freed + timing.fire_due()
