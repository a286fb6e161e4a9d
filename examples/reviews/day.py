"""A morning at the reviewers' desks, played by a workflow: each act is a step.

The acts are the verbs that pages and programs use, so the rules hold: nobody does here what
they might not do there. A task that is not asked yet is tried again a little later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, UUID, uuid5

from django.contrib.auth import get_user_model
from pydantic import BaseModel

from humantasks import inbox
from humantasks.models import HumanTask
from orchestrator import Context, Retry, clock, workflow

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PASSPORT = Path(__file__).parent / "passport.png"


class Act(BaseModel):
    """What somebody does with the task whose title has these words."""

    who: str
    does: str
    about: str
    text: str = ""

    @property
    def name(self) -> str:
        return f"{self.who}-{self.does}-{self.about}".lower().replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Deed:
    """An act on a task, by a person; `name` is the same when it is tried again."""

    task: HumanTask
    user: User
    text: str
    name: UUID


def claim(deed: Deed) -> None:
    inbox.claim(deed.task, user=deed.user)


def begin(deed: Deed) -> None:
    """Type something, and go for a coffee."""
    claim(deed)
    typed = {"comment": [deed.text], "data.note": [deed.text], "checked": ["passport"]}
    typed["data.next_check_months"] = ["12"]
    inbox.save_draft(deed.task, user=deed.user, data=typed, submission_id=deed.name, draft_rev=0)


def comment(deed: Deed) -> None:
    inbox.comment(deed.task, user=deed.user, text=deed.text, submission_id=deed.name)


def attach(deed: Deed) -> None:
    picture = BytesIO(PASSPORT.read_bytes())
    inbox.attach(deed.task, user=deed.user, file=picture, name=deed.text, submission_id=deed.name)


def put_aside(deed: Deed) -> None:
    claim(deed)
    inbox.snooze(deed.task, user=deed.user, until=clock.now() + timedelta(minutes=45))


def ask(deed: Deed) -> None:
    claim(deed)
    lead = get_user_model()._default_manager.get(username="lena")
    inbox.request_info(
        deed.task, user=deed.user, question=deed.text, of=lead, submission_id=deed.name
    )


def hurry(deed: Deed) -> None:
    """Somebody should have looked at it an hour ago."""
    if not deed.task.is_overdue:
        inbox.set_due(deed.task, user=deed.user, due_at=clock.now() - timedelta(hours=1))


def approve(deed: Deed) -> None:
    claim(deed)
    inbox.complete(
        deed.task,
        user=deed.user,
        outcome="approve",
        data={"risk": "low", "note": deed.text},
        checked=["passport", "sanctions"],
        submission_id=deed.name,
    )


def reject(deed: Deed) -> None:
    claim(deed)
    inbox.complete(
        deed.task,
        user=deed.user,
        outcome="reject",
        comment=deed.text,
        reason_codes=["unexplained"],
        submission_id=deed.name,
    )


DEEDS: Mapping[str, Callable[[Deed], None]] = {
    "claim": claim,
    "begin": begin,
    "comment": comment,
    "attach": attach,
    "put-aside": put_aside,
    "ask": ask,
    "hurry": hurry,
    "approve": approve,
    "reject": reject,
}
# Done already, should the worker have died between the deed and its record.
_ENDS = {"put-aside": "paused", "ask": "paused", "approve": "completed", "reject": "completed"}


def do(act: Act) -> None:
    """Do it. Raises as long as the task, or the person, is not there."""
    task = HumanTask.objects.get(title__contains=act.about)
    if task.status == _ENDS.get(act.does):
        return
    user = get_user_model()._default_manager.get(username=act.who)
    DEEDS[act.does](Deed(task, user, act.text, uuid5(NAMESPACE_URL, act.name)))


@workflow(name="reviewers-morning", idempotency_key="reviewers-morning")
async def play(ctx: Context[list[Act]], acts: list[Act]) -> int:
    """One act after the other."""
    patient = Retry(max_attempts=60, backoff="constant")
    await ctx.sleep("2s", name="coffee")
    for act in acts:
        await ctx.step(act.name, do, act, retry=patient)
    return len(acts)
