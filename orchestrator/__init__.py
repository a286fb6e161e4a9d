"""Durable workflows with people in the loop, for Django: what authors of workflows import.

Importing this needs no configured Django.
"""

from orchestrator.core.charts.events import Event
from orchestrator.core.charts.specs import action, invoke, state, transition
from orchestrator.core.context import Context
from orchestrator.core.durations import parse_duration
from orchestrator.core.errors import (
    ActionRefused,
    AmbiguousStep,
    CompensationFailed,
    EventTimeout,
    IdempotencyConflict,
    InvalidInput,
    InvalidMachine,
    NestedStep,
    NonDeterminism,
    NonRetryable,
    NotSerializable,
    OrchestratorError,
    PayloadTooLarge,
    Refused,
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
from orchestrator.machine import Machine, Transition
from orchestrator.run import Delivery, Run, get_run, send_event, start_many
from orchestrator.schedules import Schedule, get_schedule, schedule
from orchestrator.state_machine import StateMachine, state_machine
from orchestrator.workflow import Workflow, workflow

__all__ = [
    "ActionRefused",
    "AmbiguousStep",
    "CompensationFailed",
    "Context",
    "Delivery",
    "Event",
    "EventTimeout",
    "IdempotencyConflict",
    "InvalidInput",
    "InvalidMachine",
    "Machine",
    "NestedStep",
    "NonDeterminism",
    "NonRetryable",
    "NotSerializable",
    "OrchestratorError",
    "PayloadTooLarge",
    "Refused",
    "Retry",
    "Run",
    "RunCancelled",
    "RunFailed",
    "RunPruned",
    "RunTimeout",
    "Schedule",
    "StateMachine",
    "StepFailed",
    "StepTimeout",
    "TooManyStarts",
    "Transition",
    "UnknownRun",
    "UnknownSchedule",
    "UnknownWorkflow",
    "Workflow",
    "action",
    "current_step",
    "get_run",
    "get_schedule",
    "invoke",
    "parse_duration",
    "schedule",
    "send_event",
    "start_many",
    "state",
    "state_machine",
    "transition",
    "workflow",
]
