"""What operators do with commands is in the audit too."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from dashboard.models import OperatorAction
from orchestrator import Context, workflow
from orchestrator.run import Run
from orchestrator.testing import Runs


@pytest.fixture
def run(runs: Runs) -> Run[None]:
    @workflow(name="nap")
    async def nap(ctx: Context) -> None:
        await ctx.sleep("1h")

    return runs.start(nap)


def test_a_command_leaves_a_row(run: Run[None]) -> None:
    call_command("runs", "pause", str(run.id), "--reason", "the moon is full")

    action = OperatorAction.objects.get()
    assert (action.action, action.run_id, action.outcome) == ("pause", run.id, "applied")
    assert (action.before_status, action.after_status) == ("waiting", "paused")
    assert action.reason == "the moon is full"
    # Somebody with a shell, who need not be one of our users.
    assert action.actor is None
    assert "@" in action.actor_label


def test_a_user_may_act_under_their_name(run: Run[None], oscar: User) -> None:
    call_command("runs", "cancel", str(run.id), "--user", "oscar")

    action = OperatorAction.objects.get()
    assert (action.actor, action.actor_label) == (oscar, "oscar")


def test_a_refusal_leaves_a_row(run: Run[None]) -> None:
    with pytest.raises(CommandError, match="refused"):
        call_command("runs", "resume", str(run.id))

    action = OperatorAction.objects.get()
    assert (action.outcome, action.detail) == (
        "rejected",
        "a run that is waiting cannot be resumed",
    )


def test_an_event_leaves_a_row(run: Run[None]) -> None:
    call_command("send_event", "hello", "--run", str(run.id))

    action = OperatorAction.objects.get()
    assert (action.action, action.detail, action.run_id) == ("send event", "hello", run.id)


def test_reading_leaves_none(run: Run[None]) -> None:
    call_command("runs", "show", str(run.id))
    call_command("runs", "list")

    assert not OperatorAction.objects.exists()
