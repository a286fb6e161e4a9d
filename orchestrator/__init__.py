"""Durable workflows with people in the loop, for Django: what authors of workflows import.

Importing this needs no configured Django.
"""

from orchestrator.core.context import Context
from orchestrator.core.durations import parse_duration
from orchestrator.core.errors import (
    ActionRefused,
    AmbiguousStep,
    CompensationFailed,
    EventTimeout,
    IdempotencyConflict,
    InvalidInput,
    NestedStep,
    NonDeterminism,
    NonRetryable,
    NotSerializable,
    OrchestratorError,
    PayloadTooLarge,
    RunCancelled,
    RunFailed,
    RunPruned,
    RunTimeout,
    StepFailed,
    StepTimeout,
    TooManyStarts,
    UnknownRun,
    UnknownSchedule,
    UnknownWorkflow,
)
from orchestrator.core.retry import Retry
from orchestrator.core.step import current_step
from orchestrator.run import Delivery, Run, get_run, send_event, start_many
from orchestrator.schedules import Schedule, get_schedule, schedule
from orchestrator.workflow import Workflow, workflow

__all__ = [
    "ActionRefused",
    "AmbiguousStep",
    "CompensationFailed",
    "Context",
    "Delivery",
    "EventTimeout",
    "IdempotencyConflict",
    "InvalidInput",
    "NestedStep",
    "NonDeterminism",
    "NonRetryable",
    "NotSerializable",
    "OrchestratorError",
    "PayloadTooLarge",
    "Retry",
    "Run",
    "RunCancelled",
    "RunFailed",
    "RunPruned",
    "RunTimeout",
    "Schedule",
    "StepFailed",
    "StepTimeout",
    "TooManyStarts",
    "UnknownRun",
    "UnknownSchedule",
    "UnknownWorkflow",
    "Workflow",
    "current_step",
    "get_run",
    "get_schedule",
    "parse_duration",
    "schedule",
    "send_event",
    "start_many",
    "workflow",
]
