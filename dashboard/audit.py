"""The operators' audit: every action leaves a row, in the transaction of what it did."""

from __future__ import annotations

from typing import Self
from uuid import UUID

from dashboard.access import OperatorRequest
from dashboard.models import OperatorAction
from orchestrator.models import FINAL, Status
from orchestrator.operating import Deed, Operator

Outcome = OperatorAction.Outcome

PAGE = 100


class Actor(Operator):
    """Who acts with a page or a request, and from where."""

    @classmethod
    def of(cls, request: OperatorRequest, *, via: str = "") -> Self:
        """`via` is the token that stands for the user; "" for a browser."""
        return cls(
            label=request.user.get_username(),
            user=request.user,
            # Behind a proxy it is the proxy's; X-Forwarded-For would be whatever the client says.
            ip=request.META.get("REMOTE_ADDR") or None,
            via=via,
        )


def witness(deed: Deed) -> OperatorAction:
    """Write down what was done. Called in the transaction that does it."""
    by = deed.operator
    return OperatorAction.objects.create(
        actor=by.user,
        actor_label=by.label,
        ip=by.ip,
        via=by.via,
        action=deed.verb,
        run_id=deed.run_id,
        outcome=Outcome.REJECTED if deed.is_refused else Outcome.APPLIED,
        reason=deed.reason,
        detail=": ".join(filter(None, [deed.schedule, deed.detail])),
        before_status=deed.before,
        after_status=deed.after,
        token=deed.form,
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
