"""`Machine`: a handle to one run of a state machine, to read it and to send it events."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from orchestrator import patience
from orchestrator.core import codec
from orchestrator.core.charts import chart as charts
from orchestrator.core.charts import snapshot
from orchestrator.core.charts.chart import Chart, Trigger
from orchestrator.core.charts.events import Event
from orchestrator.core.charts.moving import default_entry, move
from orchestrator.core.charts.selecting import Signal
from orchestrator.core.charts.snapshot import Standing
from orchestrator.core.charts.verdicts import decide, shown
from orchestrator.core.checkpoints import Checkpoint
from orchestrator.core.durations import Duration, parse_duration
from orchestrator.core.errors import InvalidInput, UndecodableValue, UnknownState
from orchestrator.core.schemas import payload_check
from orchestrator.run import Run

if TYPE_CHECKING:
    from orchestrator import models

C = TypeVar("C")  # the type of the context

_POLL_SECONDS = 0.005
_MAX_POLL_SECONDS = 0.25

IN_TRANSACTION = (
    "not judged yet: it was sent inside a transaction, and is judged when that has committed"
)
NOT_WAITED = "not judged yet: nobody waited for it"
NOT_IN_TIME = "not judged yet: no worker has come to it"
AT_REST = ("paused", "blocked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """What came of an event that was sent to a machine. It is true if it was accepted.

    `from_` and `to` are where the machine was and where the transition leads, as
    `Machine.state` shows it. In a history each transition is told by itself, and leads to
    where the next one begins; the answer to `send` tells of all that followed from the event,
    and leads to where the machine has come to rest.

    `accepted` is None while it is not judged; `refused_because` says why. `guards` has what
    each guard said that was asked. `is_done` is false while actions are executed, and when
    the run has ended before they were: `stopped` says how, and `failed_because` names the
    error. A failed run that is retried goes on with them.
    """

    event: str
    from_: str
    to: str
    accepted: bool | None
    refused_because: str = ""
    is_done: bool = True
    stopped: Literal["", "failed", "cancelled"] = ""
    failed_because: str = ""
    guards: tuple[dict[str, Any], ...] = ()
    actor: str = ""
    payload: Any = None
    sent_at: datetime | None = None
    at: datetime | None = None
    # The number of the event; None for what was no event.
    number: int | None = None

    def __bool__(self) -> bool:
        return self.accepted is True

    @property
    def outcome(self) -> Literal["waiting", "refused", "running", "done", "failed", "cancelled"]:
        """In one word: not judged, not accepted, or how far it is."""
        if self.accepted is None:
            return "waiting"
        if not self.accepted:
            return "refused"
        return self.stopped or ("done" if self.is_done else "running")


class Machine(Run[Any], Generic[C]):
    """A handle to one machine. It shows the machine as it was last read."""

    def __init__(self, row: models.Run, chart: Chart) -> None:
        super().__init__(row)
        self._chart = chart

    @property
    def chart(self) -> Chart:
        """The states and transitions of its version."""
        return self._chart

    # ---- reading ---------------------------------------------------------------------

    @property
    def state(self) -> str:
        """Where the machine is: the path to its innermost state, such as `shipping.packed`.

        In parallel regions they are several, joined by ` + `. While the machine enters a
        state this is that state already.
        """
        return self._row.state

    @property
    def context(self) -> C:
        """The context as it was when the machine last came to rest."""
        known = Checkpoint.of(self._row.checkpoint)
        if known is None:
            return codec.decode(self._row.input)  # type: ignore[no-any-return]
        return snapshot.context_of(known.value)  # type: ignore[no-any-return]

    @property
    def history(self) -> list[Transition]:
        """Every event and what came of it, and every other transition, in order. Two queries."""
        from orchestrator import courses  # noqa: PLC0415

        return courses.transitions(self._row)

    @property
    def takes(self) -> list[str]:
        """The events that the machine has a transition for, where it is; `*` for any."""
        if self._row.is_final or self.trouble:
            return []
        return self._chart.takes(self._standing().active)

    @property
    def trouble(self) -> str:
        """Why it cannot go on by today's definition; "" if it can, or has ended."""
        if self._row.is_final:
            return ""
        try:
            self._standing()
        except (UnknownState, UndecodableValue) as error:
            return str(error)
        fault = snapshot.fault_of_state(self._chart, self.state)
        return snapshot.advice(self._chart, fault) if fault else ""

    def is_in(self, state: str) -> bool:
        """Whether the machine is in this state, or in one inside it."""
        found = self._row.state.split(charts.AND)
        return any(one == state or one.startswith(f"{state}.") for one in found)

    def refresh(self) -> Machine[C]:
        """Read the machine again, and return this handle. One query."""
        super().refresh()
        return self

    # ---- events ----------------------------------------------------------------------

    def send(
        self,
        event: str,
        payload: Any = None,
        *,
        actor: Any = None,
        event_id: str | None = None,
        wait: bool = True,
        timeout: Duration = "5s",
    ) -> Transition:
        """Send an event, and wait until the machine has dealt with it: `timeout` at most.

        The event is stored in the caller's transaction, and is judged in the order of
        arrival against the state that the machine is in by then. The answer says whether
        it was accepted, where it led, or why it was refused; and whether the run has failed
        of what it asked for. It is not there yet (`accepted` is None) when the time is over,
        with `wait=False`, and inside a transaction of the caller's, which must commit
        first: see `verdict`.

        `actor` is who sends it: a user, or any text. The same `event_id` sent twice is one
        event, with one answer. Raises InvalidInput when the payload does not fit what the
        machine has declared for the event.
        """
        from orchestrator import client, courses, models  # noqa: PLC0415

        self._check(event, payload)
        sent = client.send_to_machine(
            self.id,
            event,
            payload,
            event_id=event_id,
            sent_by=models.initiator_label(actor) or "",
        )
        number = sent.event
        if number is None and event_id is not None:
            number = courses.number_of(self.id, event_id)
        if number is None:
            self.refresh()
            return self._unjudged(event, payload, accepted=False, because=sent.reason)
        asked = self._unjudged(event, payload, number=number, because=NOT_WAITED)
        return self._verdict(asked, timeout) if wait else asked

    def verdict(self, transition: Transition, *, timeout: Duration = 0) -> Transition:
        """What has come of an event that was not judged when `send` returned."""
        return self._verdict(transition, timeout)

    def can(self, event: str, payload: Any = None) -> bool:
        """Whether the machine would accept the event now. Changes nothing.

        Asks the guards here, with the context as it was last read.
        """
        return self.preview(event, payload).accepted is True

    def preview(self, event: str, payload: Any = None) -> Transition:
        """What would come of an event, before any action and what follows from it."""
        if because := f"it has {self.status}" if self._row.is_final else self.trouble:
            return self._unjudged(event, payload, accepted=False, because=because)
        try:
            seen = self._check(event, codec.decode(codec.encode(payload)))
        except InvalidInput as error:
            return self._unjudged(event, payload, accepted=False, because=str(error))
        standing = self._standing()
        signal = Signal(Trigger(charts.ON, event), Event(name=event, payload=seen))
        found = decide(self._chart, signal, standing)
        after = move(found.edges, standing.active, standing.past).applied(standing.active)
        return self._unjudged(
            event,
            payload,
            to=self._chart.shown(after),
            accepted=bool(found.edges),
            because=found.because,
            guards=tuple(map(shown, found.judged)),
        )

    def _check(self, event: str, payload: Any) -> Any:
        """The payload as guards and actions see it. Raises InvalidInput."""
        schema = self._chart.schemas.get(event)
        return payload if schema is None else payload_check(schema, payload, event)

    def _standing(self) -> Standing:
        known = Checkpoint.of(self._row.checkpoint)
        if known is None:
            return Standing(self.context, default_entry(self._chart.root))
        return snapshot.read(self._chart, known.value)[0]

    def _unjudged(
        self,
        event: str,
        payload: Any,
        *,
        to: str | None = None,
        accepted: bool | None = None,
        because: str,
        number: int | None = None,
        guards: tuple[dict[str, Any], ...] = (),
    ) -> Transition:
        state = self.state
        return Transition(
            event=event,
            from_=state,
            to=state if to is None else to,
            accepted=accepted,
            refused_because=because,
            is_done=accepted is False,
            guards=guards,
            payload=payload,
            number=number,
        )

    def _verdict(self, asked: Transition, timeout: Duration) -> Transition:
        """Look for the verdict until it is there, and what it led to is over."""
        from orchestrator import courses, database  # noqa: PLC0415

        if asked.number is None:
            return asked
        in_transaction = database.engine_connection().in_atomic_block
        until = time.monotonic() + parse_duration(timeout).total_seconds()
        pause = _POLL_SECONDS
        while True:
            found = courses.verdict(self._row, asked.number)
            left = until - time.monotonic()
            is_late = left <= 0 or in_transaction or self.status in AT_REST
            is_over = self._row.is_final or (found is not None and found.is_done)
            if is_over or is_late or not patience.rest(min(pause, left)):
                because = IN_TRANSACTION if in_transaction else _not_judged(self.status)
                return replace(asked, refused_because=because) if found is None else found
            pause = min(pause * 1.5, _MAX_POLL_SECONDS)

    def __repr__(self) -> str:
        return f"<Machine {self.id} of {self.workflow} {self.version}: {self.state}>"


def _not_judged(status: str) -> str:
    return f"not judged yet: the machine is {status}" if status in AT_REST else NOT_IN_TIME
