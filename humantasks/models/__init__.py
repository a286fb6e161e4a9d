"""The inbox's tables. `humantasks.inbox` is their only writer; teams are set up in the admin."""

from humantasks.models.attachments import TaskAttachment
from humantasks.models.calendars import TaskTimer, WorkCalendar
from humantasks.models.parts import TaskCandidate, TaskPayload
from humantasks.models.people import ReviewerState, TeamProfile
from humantasks.models.presence import TaskPresence
from humantasks.models.records import (
    TaskAudit,
    TaskComment,
    TaskDecision,
    TaskDraft,
    TaskPass,
)
from humantasks.models.seats import TaskSeat
from humantasks.models.tasks import (
    HELD,
    OPEN,
    HumanTask,
    Pause,
    Priority,
    Status,
    TaskNumber,
)

__all__ = [
    "HELD",
    "OPEN",
    "HumanTask",
    "Pause",
    "Priority",
    "ReviewerState",
    "Status",
    "TaskAttachment",
    "TaskAudit",
    "TaskCandidate",
    "TaskComment",
    "TaskDecision",
    "TaskDraft",
    "TaskNumber",
    "TaskPass",
    "TaskPayload",
    "TaskPresence",
    "TaskSeat",
    "TaskTimer",
    "TeamProfile",
    "WorkCalendar",
]
