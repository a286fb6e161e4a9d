"""What a body may know of its run, and say of it without waiting."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic
from uuid import UUID

from typing_extensions import TypeVar

from orchestrator.core.body import Body
from orchestrator.core.errors import NestedStep
from orchestrator.core.info import RunInfo, StepMetadata, Steps
from orchestrator.core.names import check_name
from orchestrator.core.notes import LEVELS, Log, check_attributes, line, progress
from orchestrator.core.notes import logger as run_logger
from orchestrator.core.step import executing_key

I = TypeVar("I", default=Any)  # noqa: E741 - the input type; `ctx: Context` takes any


class AboutRun(Generic[I]):
    """The part of the context that asks for nothing."""

    def __init__(self, body: Body, info: RunInfo) -> None:
        self._body = body
        self._info = info
        self._random = random.Random(info.run_id.int)
        self.steps: Mapping[str, StepMetadata] = Steps(body.seen)
        """Metadata of the steps whose outcome the body has seen, by key."""
        self.logger = Log(self._log)
        """The run's log: stored with it, and never written twice by a replay."""

    @property
    def run_id(self) -> UUID:
        return self._info.run_id

    @property
    def workflow(self) -> str:
        return self._info.workflow

    @property
    def version(self) -> str:
        return self._info.version

    @property
    def attempt(self) -> int:
        """Which attempt of the whole run this is, from 1."""
        return self._info.attempt

    @property
    def input(self) -> I:
        return self._info.input  # type: ignore[no-any-return]

    @property
    def initiator(self) -> str | None:
        """Who started the run, as given to `start(initiator=…)`; a user's name for a user."""
        return self._info.initiator

    @property
    def tags(self) -> Mapping[str, Any]:
        return self._info.tags

    @property
    def scheduled_at(self) -> datetime | None:
        """The time for which a schedule started the run, in UTC; None for any other run."""
        return self._info.scheduled_at

    @property
    def random(self) -> random.Random:
        """Random numbers that are the same on every replay. Not for steps: a replay skips them."""
        self._refuse_in_step("ctx.random")
        return self._random

    def now(self) -> datetime:
        """The time of the last outcome, in UTC by the database's clock. Replays see the same."""
        return self._body.now

    def uuid4(self) -> UUID:
        """A random UUID that is the same on every replay."""
        return UUID(int=self.random.getrandbits(128), version=4)

    def set_attributes(self, **attributes: str | int | float | bool) -> None:
        """Set search attributes of the run; those of other names stay."""
        self._refuse_in_step("set_attributes")
        self._body.notes.attributes |= check_attributes(attributes)

    def set_progress(self, fraction: float, text: str = "") -> None:
        """Show how far the run is: `fraction` from 0 to 1, and a few words."""
        self._refuse_in_step("set_progress")
        self._body.notes.progress = progress(fraction, text)

    def _log(self, level: str, message: str, fields: dict[str, Any]) -> None:
        # A step that writes to `ctx.logger` by mistake must not disturb the body's count.
        self._refuse_in_step("ctx.logger")
        if self._body.loop.is_closing:
            return
        made = line(level, message, fields, at=self._body.now)
        if self._body.notes.add(made):
            extra = {"run_id": str(self.run_id), "workflow": self.workflow, "fields": made.fields}
            run_logger.log(LEVELS[level], made.message, extra=extra)

    def _refuse_in_step(self, name: str) -> None:
        if outer := executing_key():
            raise NestedStep(
                f"{name!r} was asked for inside the step {outer!r}. A step is one thing: "
                "ask for both in the workflow's body."
            )

    def _check(self, name: str) -> None:
        self._refuse_in_step(name)
        check_name(name)
