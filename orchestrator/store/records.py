"""What the store is asked to write, and what it answers. Plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from orchestrator import failpoints, kinds
from orchestrator.core.checkpoints import Checkpoint
from orchestrator.core.journal import Entry
from orchestrator.core.notes import Line, Notes
from orchestrator.kinds import CloseReason

# The queues that a worker serves; None: all of them. "" is the default queue.
Queues = tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A run that this worker holds, as it was when it was claimed."""

    run_id: UUID
    epoch: int
    wake_seq: int
    seq: int
    crashes: int
    workflow: str
    version: str
    attempt: int
    input: str
    initiator: str | None
    tags: Mapping[str, Any]
    scheduled_at: datetime | None
    generation: int
    attributes: Mapping[str, Any]
    progress: tuple[float | None, str]
    logged: int
    parent_id: UUID | None
    parent_key: str
    concurrency_key: str
    queue: str
    priority: int
    started_at: datetime
    cancel_requested_at: datetime | None
    cancel_reason: str
    # Steps that were executing when the worker before died: [{key, details, …}].
    in_flight: Sequence[Mapping[str, Any]]
    # It was blocked: the fingerprints of the code that could not carry it on.
    tried: tuple[str, ...] = ()
    # A run that was never claimed before has no journal, and without a wake no mail.
    is_first: bool
    # Where its replay begins; None for the top.
    checkpoint: Checkpoint | None = None
    # The database's time.
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedAttempt:
    """One attempt of a step that failed."""

    key: str
    number: int
    error: dict[str, Any]
    started_at: datetime
    finished_at: datetime
    # What it has told with its heartbeats.
    details: Any = None
    # Who executed it; "" for the worker that records it.
    worker: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOut:
    """An attempt of a step that any worker may execute."""

    key: str
    number: int
    queue: str
    # How much earlier it counts as handed out, for its priority.
    ahead: timedelta
    function: str
    args: str
    timeout: timedelta | None
    atomic: bool
    at_most_once: bool
    idempotency_key: str
    is_shared: bool
    details: Any = None


@dataclass(frozen=True, slots=True)
class Mail:
    """An event that no wait has consumed yet."""

    id: int
    name: str
    correlation: str | None
    payload: str
    sent_by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Continue:
    """The run goes on in this worker."""


@dataclass(frozen=True, slots=True)
class Park:
    """Let go of the run until `due_at` (None: until something wakes it)."""

    status: str
    due_at: datetime | None
    waiting_on: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Finish:
    """The run has ended."""

    status: str
    output: str | None = None
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """The run failed and is tried again at `due_at`.

    With `anew` it begins at the top, with an empty journal; else it goes on from the steps
    that failed.
    """

    error: Mapping[str, Any]
    due_at: datetime
    anew: bool


@dataclass(frozen=True, slots=True)
class Block:
    """The run cannot go on until someone mends its code or decides.

    With `tried` in its error, the fingerprints of the code that could not carry it on, a
    worker that has other code goes on by itself.
    """

    error: Mapping[str, Any]


Then = Continue | Park | Finish | Again | Block


@dataclass(slots=True, kw_only=True)
class Save:
    """All that one run has to record at once, and what becomes of it then."""

    claim: Claim
    outcomes: list[Entry] = field(default_factory=list)
    opened: list[Entry] = field(default_factory=list)
    # Open entries that nobody waits for any more.
    closed: list[Entry] = field(default_factory=list)
    # Open entries whose apps must be told that no answer is wanted any more, and why.
    told: list[tuple[Entry, CloseReason]] = field(default_factory=list)
    # Entries that are nothing to wait for: changes that the run has taken.
    marked: list[Entry] = field(default_factory=list)
    attempts: list[FailedAttempt] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    # Of `lines`, those of the body: a replay counts them.
    body_lines: int = 0
    attributes: Mapping[str, Any] | None = None
    progress: tuple[float, str] | None = None
    # Where a machine is, if that has changed, and where the next replay begins.
    state: str | None = None
    checkpoint: Checkpoint | None = None
    # Results of steps with a key of their own: (workflow, key, value).
    step_keys: list[tuple[str, str, str]] = field(default_factory=list)
    consumed: list[tuple[int, str]] = field(default_factory=list)
    # Steps for any worker to execute.
    handed_out: list[HandedOut] = field(default_factory=list)
    # Keys of steps that were handed out and are not wanted any more: those that nobody
    # executes yet are withdrawn.
    withdrawn: list[str] = field(default_factory=list)
    # Whether also those that somebody executes are given up.
    gives_up_steps: bool = False
    # Reports of steps that were handed out, with their keys. They are deleted.
    heard: list[tuple[int, str]] = field(default_factory=list)
    # Whether the body has been told of a cancel. Until it has, nothing new is opened and
    # the run does not end in another way.
    knows_cancel: bool = False
    # Whether the clock decided against a wait: then it must not be written if mail came
    # that this worker has not seen. Such a save holds nothing that was executed.
    heeds_mail: bool = False
    then: Then = field(default_factory=Continue)

    def with_notes(self, notes: Notes) -> Save:
        """This, and what the body has written without waiting for it."""
        return replace(
            self,
            lines=[*self.lines, *notes.lines],
            body_lines=len(notes.lines),
            attributes=notes.changed_attributes(self.claim.attributes),
            progress=None if notes.progress == self.claim.progress else notes.progress,
            marked=[*self.marked, *notes.marks.values()],
            state=notes.state,
            checkpoint=notes.checkpoint,
        )

    def kept(self, *, goes_on: bool = False) -> Save:
        """What of it stands when news came: what was executed.

        The run comes back at once, or `goes_on` in this worker.
        """
        then = Continue() if goes_on else Park("pending", None, [])
        if self.heeds_mail:
            return Save(claim=self.claim, then=then)
        return self.without_waits(then)

    def without_waits(self, then: Then) -> Save:
        """What was executed, and nothing of waits. So the replay must come here once more."""
        return replace(
            self,
            opened=[],
            closed=[],
            told=[],
            handed_out=[],
            # What came of the others is not kept, so it must be heard again.
            heard=[one for one in self.heard if one[1] not in self._unheard],
            attempts=[one for one in self.attempts if one.key not in self._unheard],
            checkpoint=None,
            then=then,
        )

    def held_back(self) -> Save:
        """The rest: what `kept` leaves out of it, to be recorded by the next save."""
        return Save(
            claim=self.claim,
            opened=self.opened,
            closed=self.closed,
            told=self.told,
            handed_out=self.handed_out,
            heard=[one for one in self.heard if one[1] in self._unheard],
            attempts=[one for one in self.attempts if one.key in self._unheard],
        )

    @property
    def _unheard(self) -> set[str]:
        """The steps of which a report has come that makes no outcome."""
        return {key for _, key in self.heard} - {entry.key for entry in self.outcomes}

    @property
    def has_sides(self) -> bool:
        """Whether more has to be written in the same transaction: an app's side, another run."""
        if isinstance(self.then, Finish) and (self.claim.parent_key or self.claim.concurrency_key):
            return True
        if isinstance(self.then, Again) or self.attributes is not None or self.step_keys:
            return True
        if self.withdrawn or self.gives_up_steps:
            return True
        return any(kinds.get(entry.kind) for entry in self.opened) or any(
            kinds.get(entry.kind) for entry, _ in self.told
        )

    @property
    def heeds_cancel(self) -> bool:
        """Whether this save must not be written if a cancel came that the body does not know."""
        return not self.knows_cancel and (bool(self.opened) or isinstance(self.then, Finish))


@dataclass(frozen=True, slots=True)
class Saved:
    """The run as it is after a save that found it still ours."""

    run_id: UUID
    wake_seq: int
    cancel_requested_at: datetime | None
    cancel_reason: str
    is_paused: bool
    is_due: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Beat:
    """The answer to a heartbeat for a run that is still ours."""

    run_id: UUID
    wake_seq: int
    # A cancel or a pause was asked for.
    is_called: bool


def hit_each(failpoint: str, saves: Iterable[Save]) -> None:
    """Come to `failpoint` with each of these saves, and the steps whose outcomes it holds."""
    if failpoints.is_armed(failpoint):
        for save in saves:
            keys = [entry.key for entry in save.outcomes]
            failpoints.hit(failpoint, [save.claim.run_id], steps=keys)
