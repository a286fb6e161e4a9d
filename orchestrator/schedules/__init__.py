"""Schedules: runs that the clock starts. What authors and operators use of them.

Importing this needs no configured Django.
"""

from orchestrator.schedules.asking import get_schedule, schedule
from orchestrator.schedules.handle import Schedule

__all__ = ["Schedule", "get_schedule", "schedule"]
