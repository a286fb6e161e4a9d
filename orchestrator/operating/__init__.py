"""What operators do, each told to whoever keeps an audit: the verbs of pages, API and commands.

The engine keeps no audit. An app that does registers a witness, which is called in the
transaction of each deed, also of one that was refused: what was done and the record of it
commit together or not at all.
"""

from orchestrator.operating import schedules
from orchestrator.operating.deeds import Deed, Operator, Witness, register, tell
from orchestrator.operating.events import send_event, send_to_machine
from orchestrator.operating.runs import (
    Judge,
    cancel,
    fork,
    pause,
    resolve,
    resume,
    retry,
    retry_now,
    skip_sleep,
    start,
)

__all__ = [
    "Deed",
    "Judge",
    "Operator",
    "Witness",
    "cancel",
    "fork",
    "pause",
    "register",
    "resolve",
    "resume",
    "retry",
    "retry_now",
    "schedules",
    "send_event",
    "send_to_machine",
    "skip_sleep",
    "start",
    "tell",
]
