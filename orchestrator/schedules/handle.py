"""`Schedule`: a handle to one schedule, to read it and to act on it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from orchestrator.core import codec
from orchestrator.run import Run

if TYPE_CHECKING:
    from orchestrator import models


class Schedule:
    """A handle to one schedule, by its name. It shows the schedule as it was last read.

    A declared one can be read once it is stored, by `migrate` or by a worker that starts.
    Until then its properties raise UnknownSchedule.
    """

    def __init__(self, name: str, row: models.Schedule | None = None) -> None:
        self.name = name
        self._read = row

    # ---- reading ---------------------------------------------------------------------

    @property
    def workflow(self) -> str:
        return self._row.workflow

    @property
    def state(self) -> str:
        """`active`, `paused` or `ended`."""
        return self._row.state

    @property
    def source(self) -> str:
        """Where it is defined: `code` or `operator`."""
        return self._row.source

    @property
    def words(self) -> str:
        """When, in English."""
        return self._row.timing.words

    @property
    def input(self) -> Any:
        return codec.decode(self._row.input)

    @property
    def overlap(self) -> str:
        return self._row.overlap

    @property
    def catch_up(self) -> str:
        return self._row.catch_up

    @property
    def next_at(self) -> datetime | None:
        """The next time, in UTC; None while it is paused or has ended."""
        return self._row.next_at if self._row.state == "active" else None

    @property
    def last_at(self) -> datetime | None:
        """The last time that was decided, in UTC."""
        return self._row.last_at

    @property
    def started(self) -> int:
        """Times that have started a run."""
        return self._row.started

    @property
    def skipped(self) -> int:
        """Times that were let go because a run had not ended."""
        return self._row.skipped

    @property
    def missed(self) -> int:
        """Times that came while no worker was there and were not made up for."""
        return self._row.missed

    @property
    def error(self) -> str:
        """Why the run that is due cannot be started; "" when all is well."""
        return self._row.error

    def preview(self, count: int = 5, *, after: datetime | None = None) -> list[datetime]:
        """The next `count` times, in its own time zone, from now or `after` an instant."""
        from orchestrator.schedules import verbs  # noqa: PLC0415 - it needs the models

        return verbs.preview(self._row, count, after)

    def runs(self, limit: int = 20) -> list[Run[Any]]:
        """Its runs, by the time for which they were started, the last first."""
        from orchestrator.schedules import verbs  # noqa: PLC0415

        return verbs.runs(self._row, limit)

    def refresh(self) -> Schedule:
        """Read it again, and return this handle. Raises UnknownSchedule."""
        from orchestrator.schedules import verbs  # noqa: PLC0415

        self._read = verbs.row_of(self.name)
        return self

    @property
    def _row(self) -> models.Schedule:
        if self._read is None:
            self.refresh()
        assert self._read is not None
        return self._read

    # ---- acting ----------------------------------------------------------------------

    def pause(self, reason: str = "", *, by: Any = None) -> Schedule:
        """Start no further run until `resume`. Runs that are under way go on.

        `by` is who asks: a user, or any text. Raises ActionRefused when it is paused
        already or has ended.
        """
        return self._act("pause", reason=reason, by=by)

    def resume(self) -> Schedule:
        """Go on with the next time from now; those of the pause are not made up for.

        Raises ActionRefused when it is not paused.
        """
        return self._act("resume")

    def trigger(self, *, initiator: Any = None, idempotency_key: str | None = None) -> Run[Any]:
        """Start a run now, whatever the clock says and whatever is in progress.

        Its `ctx.scheduled_at` is now. Raises ActionRefused when the schedule has ended.
        """
        from orchestrator.schedules import verbs  # noqa: PLC0415

        return verbs.trigger(self.name, initiator=initiator, idempotency_key=idempotency_key)

    def backfill(self, start: datetime, end: datetime, *, initiator: Any = None) -> list[Run[Any]]:
        """Start a run for each of its times from `start` to `end`, in the past; the new ones.

        A time that has had its run does not get another. The runs wait in line and begin
        one after the other, unless `overlap` is "allow". All or none: raises ValueError for
        a range in the future, or of more than 1,000 times.
        """
        from orchestrator.schedules import verbs  # noqa: PLC0415

        return verbs.backfill(self.name, start, end, initiator=initiator)

    def delete(self) -> Schedule:
        """End it for good; its runs and their history stay.

        Raises ActionRefused for one that code declares: take it out there, or pause it.
        """
        return self._act("delete")

    def _act(self, verb: str, **options: Any) -> Schedule:
        from orchestrator.schedules import verbs  # noqa: PLC0415

        getattr(verbs, verb)(self.name, **options)
        return self.refresh()

    def __repr__(self) -> str:
        return f"<Schedule {self.name}>"
