"""The operators' audit: every action leaves a row, in the transaction of what it did."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import User

from dashboard.access import OperatorRequest
from dashboard.models import OperatorAction
from orchestrator.models import FINAL, Status
from orchestrator.operating import Deed

Outcome = OperatorAction.Outcome

PAGE = 100


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts, and from where."""

    user: User
    ip: str | None
    # The token that stands for the user; "" for a browser.
    via: str = ""

    @classmethod
    def of(cls, request: OperatorRequest, *, via: str = "") -> Actor:
        # Behind a proxy it is the proxy's; X-Forwarded-For would be whatever the client says.
        return cls(user=request.user, ip=request.META.get("REMOTE_ADDR") or None, via=via)


def record(
    actor: Actor,
    action: str,
    *,
    run_id: UUID | None,
    outcome: Outcome,
    reason: str = "",
    detail: str = "",
    before: str = "",
    after: str = "",
    token: UUID | None = None,
) -> OperatorAction:
    """Write down what was done. Call it in the transaction that does it."""
    return OperatorAction.objects.create(
        actor=actor.user,
        actor_label=actor.user.get_username(),
        ip=actor.ip,
        via=actor.via,
        action=action,
        run_id=run_id,
        outcome=outcome,
        reason=reason,
        detail=detail,
        before_status=before,
        after_status=after,
        token=token,
    )


def witness(deed: Deed) -> OperatorAction:
    """Write down what was done with a command. Called in the transaction that does it."""
    by = deed.operator
    user = User.objects.get(username=by.username) if by.username is not None else None
    return OperatorAction.objects.create(
        actor=user,
        actor_label=by.label,
        action=deed.verb,
        run_id=deed.run_id,
        outcome=Outcome.REJECTED if deed.is_refused else Outcome.APPLIED,
        reason=deed.reason,
        detail=deed.detail,
        before_status=deed.before,
        after_status=deed.after,
    )


def of_run(run_id: UUID, *, before: int | None = None) -> list[OperatorAction]:
    """What operators did to a run, newest first; one more than a page if there is more."""
    found = OperatorAction.objects.filter(run_id=run_id).order_by("-id")
    if before is not None:
        found = found.filter(id__lt=before)
    return list(found[: PAGE + 1])


def became(action: OperatorAction) -> str:
    """What the action made of the run: its status, or what it was on the way to.

    A run that is asked to stop or to pause does so when its worker hears of it, so its status
    is the old one for a moment longer.
    """
    is_late = action.outcome == Outcome.APPLIED and action.after_status not in FINAL
    if is_late and action.action == "cancel":
        return "stopping"
    if is_late and action.action == "pause" and action.after_status != Status.PAUSED:
        return "pausing"
    return action.after_status


def of_token(token: UUID | None) -> OperatorAction | None:
    """What was done with the form of this token, if it has been sent before."""
    if token is None:
        return None
    return OperatorAction.objects.filter(token=token).first()
