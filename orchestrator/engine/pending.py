"""What a body waits for: steps to execute, retries, timers, waits; and what of it is open
in the journal.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from orchestrator.core.commands import Command, StepCall, Timer, Wait
from orchestrator.core.errors import NonDeterminism
from orchestrator.core.journal import INTENT, QUEUED, RETRYING, TIMER, Entry
from orchestrator.engine import entries, orders
from orchestrator.kinds import CloseReason
from orchestrator.store.records import Mail, Save


class Pending:
    """The unanswered commands of one body, by what they wait for."""

    def __init__(self, opened: Mapping[str, Entry]) -> None:
        self.opened = dict(opened)
        self._ready: list[tuple[StepCall, int]] = []
        self._retries: dict[str, tuple[StepCall, int, datetime]] = {}
        self._timers: dict[str, Timer] = {}
        self._waits: dict[str, Wait] = {}
        # At-most-once steps that were about to be executed when their worker died.
        self._ambiguous: dict[str, StepCall] = {}
        # Steps that were handed out: of these a report has come, those were asked back.
        self._reported: set[str] = set()
        self._asked_back: set[str] = set()

    # ---- coming ----------------------------------------------------------------------

    def note(self, command: Command) -> None:
        """A command without an answer. Raises NonDeterminism if the journal has another kind."""
        known = self.opened.get(command.key)
        if known is not None and known.kind != command.kind:
            raise NonDeterminism(
                f"the journal holds {known.kind} {known.key!r}, "
                f"but the code asked for a {command.kind}",
                expected=f"{known.kind} {known.key!r}",
                got=f"{command.kind} {command.key!r}",
                position=command.cause,
            )
        match command:
            case StepCall():
                self._note_step(command, known)
            case Timer():
                # The deadline that was recorded first stands, whatever the code says today.
                if known and known.due_at:
                    command.until = known.due_at
                self._timers[command.key] = command
            case Wait():
                if known:
                    command.until = known.due_at
                self._waits[command.key] = command

    def _note_step(self, step: StepCall, known: Entry | None) -> None:
        number = known.attempt + 1 if known else 1
        if known and known.status == QUEUED:
            return  # There will be a report.
        if known and known.status == INTENT and step.on_ambiguous != "retry":
            self._ambiguous[step.key] = step
        elif known and known.due_at:
            self.retry(step, number, known.due_at)
        else:
            self._ready.append((step, number))

    def retry(self, step: StepCall, number: int, due_at: datetime) -> None:
        """Attempt `number` of a step is to be made at `due_at`."""
        self._retries[step.key] = (step, number, due_at)

    def intents(self, now: datetime) -> list[Entry]:
        """The at-most-once steps that are about to be executed, to be recorded before."""
        return [
            entries.intent(step, number, now)
            for step, number in self._ready
            if step.at_most_once
            and step.remote is None
            and not step.is_abandoned
            and step.key not in self.opened
        ]

    def obey(self, mail: Mail, now: datetime) -> tuple[StepCall, Any] | None:
        """Do what an operator ordered. An ambiguous step that is resolved, and how."""
        if key := orders.about(mail.name, orders.SKIP):
            if (timer := self._timers.get(key)) is not None:
                timer.until = min(timer.until, now)
        elif key := orders.about(mail.name, orders.RETRY):
            if key in self._retries:
                step, number, _ = self._retries[key]
                self._retries[key] = (step, number, now)
        elif key := orders.about(mail.name, orders.RESOLVE):
            return self._resolve(key, json.loads(mail.payload))
        return None

    def _resolve(self, key: str, answer: Any) -> tuple[StepCall, Any] | None:
        step = self._ambiguous.pop(key, None)
        if step is None:
            return None
        if answer["action"] == "retry":
            self.again(step, self.opened[key].attempt + 1)
            return None
        return step, answer

    def again(self, step: StepCall, number: int) -> None:
        """Attempt `number` of a step is to be made now."""
        self._ready.append((step, number))

    def lost(self, step: StepCall, number: int, now: datetime) -> list[Entry]:
        """The worker of an at-most-once step died. What is to be recorded of that."""
        if step.on_ambiguous == "retry":
            self.again(step, number + 1)
            return []
        self._ambiguous[step.key] = step
        return [entries.intent(step, number, now)]

    def heard_of(self, key: str, number: int) -> Entry | None:
        """A report of an attempt has come. Its entry; None if nobody waits for that report."""
        entry = self.opened.get(key)
        if key not in self.handed_out or entry is None or entry.attempt != number:
            return None
        self._reported.add(key)
        return entry

    @property
    def hopeless(self) -> StepCall | None:
        """An ambiguous step that is to fail without asking anybody."""
        steps = self._ambiguous.values()
        return next((step for step in steps if step.on_ambiguous == "fail"), None)

    def started_at(self, key: str) -> datetime | None:
        """When the journal saw the command begin; None if it has not."""
        known = self.opened.get(key)
        return known.started_at if known else None

    def attempts_before(self, key: str) -> int:
        """Attempts that a step had made before an operator's retry."""
        known = self.opened.get(key)
        return int((known.detail or {}).get("attempts_before", 0)) if known else 0

    # ---- going -----------------------------------------------------------------------

    def answered(self, key: str) -> None:
        """The command has its outcome."""
        for waiting_for in (self._timers, self._waits, self._retries, self._ambiguous):
            waiting_for.pop(key, None)

    def give_up(self, asked: Mapping[str, Command], save: Save, reason: CloseReason) -> None:
        """Forget what branches that were cancelled had asked for."""
        for waiting_for in (self._timers, self._waits, self._retries):
            for key in [key for key in waiting_for if asked[key].is_abandoned]:
                del waiting_for[key]
        self._leave(save, [entry for entry in save.opened if asked[entry.key].is_abandoned])
        unwanted = [key for key in self.opened if asked[key].is_abandoned]
        self.ask_back(unwanted, save)
        handed_out = self.handed_out
        self._close((key for key in unwanted if key not in handed_out), save, reason)

    def give_up_all(self, executing: Container[str], save: Save, reason: CloseReason) -> None:
        """The body has ended: nothing that it still waited for is wanted."""
        self._ready.clear()
        for waiting_for in (self._timers, self._waits, self._retries):
            waiting_for.clear()
        self._leave(save, save.opened)
        kept = {entry.key for entry in save.outcomes}
        still_open = [key for key in self.opened if key not in kept and key not in executing]
        self._close(still_open, save, reason)

    def ask_back(self, keys: Iterable[str], save: Save) -> None:
        """Withdraw those of these steps that were handed out and that nobody executes yet."""
        unasked = (set(keys) & set(self.handed_out)) - self._asked_back
        save.withdrawn += sorted(unasked)
        self._asked_back |= unasked

    @staticmethod
    def _leave(save: Save, entries: list[Entry]) -> None:
        """Do not open these. A step that was attempted stays to be seen: it is closed."""
        save.closed += [entry for entry in entries if entry.status == RETRYING]
        save.opened = [entry for entry in save.opened if entry not in entries]
        keys = {entry.key for entry in entries}
        save.handed_out = [one for one in save.handed_out if one.key not in keys]

    def _close(self, keys: Iterable[str], save: Save, reason: CloseReason) -> None:
        known = {entry.key for entry in save.closed}
        for key in keys:
            if key not in known:
                save.closed.append(self.opened[key])
                save.told.append((self.opened[key], reason))

    def recorded(self, save: Save) -> None:
        """`save` is in the journal."""
        for entry in save.opened:
            self.opened[entry.key] = entry
        for entry in (*save.outcomes, *save.closed):
            self.opened.pop(entry.key, None)

    # ---- asked -----------------------------------------------------------------------

    def take_ready(self, now: datetime) -> Iterator[tuple[StepCall, int]]:
        """The steps to execute now, each with the number of its attempt."""
        self.collect_retries(now)
        ready, self._ready = self._ready, []
        return (one for one in ready if not one[0].is_abandoned)

    def take_remote(self, now: datetime) -> list[tuple[StepCall, int]]:
        """The steps that any worker may execute now, to be handed out with the next save."""
        self.collect_retries(now)
        remote = [one for one in self._ready if one[0].remote is not None]
        self._ready = [one for one in self._ready if one[0].remote is None]
        taken = [(step, number) for step, number in remote if not step.is_abandoned]
        keys = {step.key for step, _ in taken}
        self._reported -= keys
        self._asked_back -= keys
        return taken

    @property
    def handed_out(self) -> list[str]:
        """The steps that other workers execute, or are to, by key."""
        return [
            key
            for key, entry in self.opened.items()
            if entry.status == QUEUED and key not in self._reported
        ]

    def collect_retries(self, now: datetime) -> None:
        """Make retries ready whose time has come."""
        for key, (step, number, due_at) in list(self._retries.items()):
            if due_at <= now:
                del self._retries[key]
                self._ready.append((step, number))

    @property
    def has_waits(self) -> bool:
        """Whether mail could still decide."""
        return bool(self._waits or self.handed_out)

    @property
    def has_ready(self) -> bool:
        return any(not step.is_abandoned for step, _ in self._ready)

    def received(self, mail: Iterable[Mail]) -> tuple[Wait, Mail] | None:
        """The first event that a wait is there for, and the first such wait."""
        for one in mail:
            # In the order of arrival: a wait for anything must not see a later event first.
            if wait := next(
                (wait for wait in self._waits.values() if entries.fits(one, wait)), None
            ):
                return wait, one
        return None

    def overdue(self, now: datetime) -> Timer | Wait | None:
        """The wait whose time was over first."""
        due: list[tuple[datetime, int, Timer | Wait]] = [
            (one.until, one.position, one)
            for one in self._waiting
            if one.until is not None and one.until <= now
        ]
        return min(due, key=lambda one: one[:2])[2] if due else None

    def unopened(self, *, with_timers: bool) -> Iterator[Timer | Wait]:
        """Waits that the journal does not show yet.

        asyncio's own timers only on request: most of them end unfired.
        """
        for command in self._waiting:
            if command.key not in self.opened and (with_timers or command.kind != TIMER):
                yield command

    @property
    def _waiting(self) -> list[Timer | Wait]:
        return [*self._timers.values(), *self._waits.values()]

    @property
    def instants(self) -> Iterator[datetime]:
        """When the clock alone brings something to do."""
        yield from (due_at for _, _, due_at in self._retries.values())
        yield from (timer.until for timer in self._timers.values())
        yield from (wait.until for wait in self._waits.values() if wait.until is not None)
