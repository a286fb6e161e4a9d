"""What the REST API says of runs and workflows. The names are those of `orchestrator.Run`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from dashboard.api.model_schemas import ModelUse, Said
from orchestrator.models import Status


class WaitDetail(BaseModel):
    """What is particular to one kind of wait."""

    event_key: str | None = Field(None, description="Of an event: the key that it must have.")
    task_id: UUID | None = Field(None, description="Of a human task: its id.")
    child_id: UUID | None = Field(None, description="Of a child: its run.")
    attempt: int | None = Field(
        None, description="Of a retry or a step: the attempt that comes next, or is made."
    )
    queue: str | None = Field(None, description="Of a step: whose workers may execute it.")
    state: str | None = Field(None, description="Of a step: handed_out, executing or ended.")
    worker: str | None = Field(None, description="Of a step: who executes it.")
    error: str | None = Field(None, description="Of a retry: why the last attempt failed.")
    limit: int | None = Field(None, description="Of `concurrency`: how many may be in progress.")


class Wait(BaseModel):
    """One thing that a run waits for."""

    kind: str = Field(
        description="event, timer, human_task, retry, step, child, concurrency, ambiguous, "
        "or what an app has added.",
        examples=["event"],
    )
    name: str = Field(examples=["document.signed"])
    key: str = Field(description="The name of the wait within its run.")
    since: datetime | None
    until: datetime | None = Field(description="When it stops waiting, if it does.")
    detail: WaitDetail | None = None


class RunSummary(BaseModel):
    """A run as a line of a list."""

    id: UUID
    workflow: str = Field(examples=["process-order"])
    version: str = Field(examples=["1.0"])
    status: Status
    rev: int = Field(description="Grows with each change of the run.")
    idempotency_key: str | None
    initiator: str | None = Field(description="Who asked for it.")
    parent_id: UUID | None
    attributes: dict[str, Any]
    tags: dict[str, Any]
    created_at: datetime
    started_at: datetime | None = Field(description="When a worker took it first.")
    finished_at: datetime | None
    waiting_on: list[Wait]
    error_line: str | None = Field(description="Why it failed or is blocked, in one line.")
    removed: bool = Field(
        default=False,
        description="Whether the retention rule has removed the run, and only its key is left.",
    )


class Frame(BaseModel):
    """One place in a traceback."""

    path: str
    line: int
    function: str
    code: str


class Cause(BaseModel):
    """What led to a failure."""

    type: str
    message: str | None


class Failure(BaseModel):
    """A recorded failure. Without the permission to see payloads, its type and no more."""

    type: str = Field(examples=["shop.errors:CardDeclined"])
    message: str | None
    step: str | None = Field(None, description="The key of the step that failed, if one did.")
    frames: list[Frame] = []
    causes: list[Cause] = []


class Step(BaseModel):
    """One thing that a run asked for: a step, a sleep, a wait."""

    key: str = Field(examples=["charge"])
    name: str
    kind: str = Field(examples=["step"], description="`ai`: a step that has asked a model.")
    status: str = Field(
        description="open, retrying, queued, intent, running, completed, failed, timed_out "
        "or cancelled."
    )
    attempts: int
    started_at: datetime | None
    completed_at: datetime | None
    duration: float | None = Field(description="Seconds.")
    result: Any = Field(
        default=None, description="null as well when it is long; see `result_length`."
    )
    result_length: int | None = Field(
        default=None,
        description="Characters of a result that is too long for here. Ask for its step.",
    )
    error: Failure | None = None
    ai: ModelUse | None = Field(default=None, description="null: it has asked no model.")


class Attempt(BaseModel):
    """One attempt of a step. The start of one that succeeded after a failure is not recorded."""

    number: int
    status: str
    started_at: datetime | None
    finished_at: datetime | None
    worker: str
    error: str = Field(description="The type of the error; empty if there was none.")


class StepDetail(Step):
    """A step with its attempts and the whole of its result."""

    made: list[Attempt] = Field(description="The attempts, one by one.")
    asked: list[Said] = Field([], description="What a model was asked. `result` is its answer.")
    called: list[Said] = Field([], description="The tools that it called instead.")


class Event(BaseModel):
    """An event that a run has received."""

    name: str = Field(examples=["document.signed"])
    key: str | None
    payload: Any = Field(default=None, description="null as well when it is long.")
    payload_length: int | None = Field(
        default=None,
        description="Characters of a payload that is too long for here. Ask for `/events`.",
    )
    received_at: datetime
    consumed_at: datetime | None
    consumed_by: str | None = Field(
        description="The key of the wait that took it; `@refused|…` if a machine had ended."
    )
    event_id: str | None
    sent_by: str


class Progress(BaseModel):
    """How far a run says that it is."""

    fraction: float
    text: str


class Run(BaseModel):
    """A run with what it did, what it waits for, and what came of it.

    `steps` and `events` hold the first 200; `more_steps` and `more_events` say whether
    there are more, which `/history` and `/events` list.
    """

    id: UUID
    workflow: str = Field(examples=["process-order"])
    version: str = Field(examples=["1.0"])
    status: Status
    rev: int
    attempt: int
    queue: str
    priority: int
    idempotency_key: str | None
    initiator: str | None
    parent_id: UUID | None
    forked_from: UUID | None
    attributes: dict[str, Any]
    tags: dict[str, Any]
    progress: Progress | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    pause_requested: bool
    cancel_requested_at: datetime | None
    cancel_reason: str
    payloads: Literal["visible", "hidden", "removed"] = Field(
        description="hidden: you may not see payloads. removed: the retention rule has removed "
        "them. All of them are null then."
    )
    input: Any = None
    output: Any = None
    error: Failure | None
    ai: ModelUse | None = Field(description="The sum of its AI steps; null when it has none.")
    waiting_on: list[Wait]
    steps: list[Step]
    more_steps: bool
    events: list[Event]
    more_events: bool


class Result(BaseModel):
    """How a run ended; or, with 202, that it has not."""

    id: UUID
    status: Status
    payloads: Literal["visible", "hidden", "removed"]
    output: Any = None
    error: Failure | None = None


class Segment(BaseModel):
    """A stretch of a step's life: run, backoff, queue, sleep, event, human or child."""

    kind: str
    start: datetime
    end: datetime | None = Field(description="null while it lasts.")
    failed: bool


class TimelineRow(BaseModel):
    """When one step executed, and when it waited."""

    key: str
    kind: str
    status: str
    attempts: int
    inherited: bool = Field(description="Whether a fork has it from its source.")
    segments: list[Segment]


class LogLine(BaseModel):
    """A line that the run's logger, or a step's, has written."""

    at: datetime
    level: str
    step: str | None = Field(description="null: the workflow's body.")
    attempt: int | None
    message: str | None = Field(description="null: you may not see payloads.")
    fields: dict[str, Any] | None


class Entry(BaseModel):
    """An entry of the journal, as a replay reads it."""

    key: str
    kind: str
    name: str
    status: str
    position: int = Field(description="Its place among what was asked.")
    cause: int = Field(description="The `seq` that the body had seen when it asked.")
    seq: int | None = Field(description="The place of its outcome; null while it has none.")
    attempt: int
    due_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None


class MachineSummary(RunSummary):
    """A run of a state machine as a line of a list."""

    state: str = Field(
        description="The path to the innermost state; of parallel regions several, "
        "joined by ` + `.",
        examples=["shipping.packed"],
    )


class Machine(MachineSummary):
    """A run of a state machine. As a run, with its steps, it is at `/runs/ID`."""

    takes: list[str] = Field(
        description="The events that it has a transition for, where it is; `*` for any."
    )
    trouble: str | None = Field(
        description="Why today's definition does not fit the machine, such as a state that is "
        "gone: then it takes nothing. null as well when you may not see payloads."
    )
    payloads: Literal["visible", "hidden", "removed"]
    context: Any = Field(description="As it was when the machine last came to rest.")


class Transition(BaseModel):
    """What came of an event of a machine, or another transition."""

    event: str
    from_state: str
    to_state: str = Field(
        description="In a history: where it leads, and where the next one begins. Of an event "
        "that is answered: where the machine has come to rest."
    )
    accepted: bool | None = Field(description="null while it is not judged.")
    refused_because: str | None = Field(
        description="Also why it is not judged yet. null as well when you may not see payloads."
    )
    outcome: Literal["waiting", "refused", "running", "done", "failed", "cancelled"] = Field(
        description="In one word: not judged, not accepted, or how far it is."
    )
    done: bool = Field(
        description="false while actions are executed, and when the run ended before they were."
    )
    failed_because: str | None = Field(
        description="Of what the run failed in the middle of it. null as well when you may not "
        "see payloads."
    )
    guards: list[dict[str, Any]] = Field(
        description="What each guard said that was asked; empty when you may not see payloads."
    )
    actor: str
    payload: Any = None
    sent_at: datetime | None
    at: datetime | None = Field(description="When it was judged.")
    number: int | None = Field(description="Of the event; null for what was no event.")


class Schedule(BaseModel):
    """What starts runs of a workflow at times."""

    name: str = Field(examples=["report-de"])
    workflow: str
    state: Literal["active", "paused", "ended"]
    source: Literal["code", "operator"] = Field(
        description="code: it is declared there, and changed there."
    )
    rev: int = Field(description="Grows with each change, and each time that is decided.")
    words: str = Field(description="When, in English.")
    cron: str | None
    every: float | None = Field(description="Seconds.")
    tz: str
    overlap: Literal["skip", "queue", "allow"]
    catch_up: Literal["one", "all", "none"]
    input: Any = Field(default=None, description="null as well when you may not see payloads.")
    next_at: datetime | None = Field(description="null while it is paused or has ended.")
    last_at: datetime | None
    started: int = Field(description="Times that have started a run.")
    skipped: int = Field(description="Times that were let go because a run had not ended.")
    missed: int = Field(description="Times that nobody looked at, and that were not made up for.")
    error: str | None = Field(
        description="Why the run that is due cannot be started; its type alone for who may "
        "not see payloads."
    )
    paused_at: datetime | None
    paused_by: str | None
    pause_reason: str | None
    ended_at: datetime | None
    created_at: datetime


class Version(BaseModel):
    """One version of a workflow."""

    version: str
    is_default: bool = Field(description="Whether new runs take it.")
    has_code: bool = Field(description="false: runs are on it, but this process cannot read it.")
    active: int | None = Field(description="Runs under way on it, where they were counted.")


class WorkflowSummary(BaseModel):
    """A workflow as a line of the catalogue."""

    name: str = Field(examples=["process-order"])
    summary: str = Field(description="The first paragraph of its docstring.")
    version: str = Field(description="What a new run takes.")
    versions: list[Version]
    input_type: str = Field(description="Empty: it takes no input.")
    is_machine: bool = Field(description="Whether it is a state machine.")


class Workflow(WorkflowSummary):
    """A workflow, with what it takes."""

    takes_input: bool
    input_schema: dict[str, Any] | None = Field(
        description="JSON Schema of the newest version's input; null when it takes none."
    )
    input_example: Any = Field(None, description="An input of the right shape.")
    diagram: str | None = Field(
        description="Of a state machine, as text for Mermaid; `/diagram` draws it."
    )
    events: list[str] = Field(description="Of a state machine: what some state of it takes.")
