"""Separation of duties: who must not answer, on every path."""

from __future__ import annotations

import asyncio

import pytest

from humantasks import (
    DECIDERS,
    REQUESTER,
    Direct,
    HumanTaskType,
    Pool,
    human_task,
    human_task_type,
    inbox,
)
from humantasks.inbox import InvalidAnswer, NotEligible
from humantasks.models import HumanTask, TaskAudit
from orchestrator import Context, workflow

LOW = {"risk": "low"}


def why(caught):
    return (caught.value.code, caught.value.why)


@pytest.fixture
def two(runs, alice, bob):
    """Two tasks of one run; whoever decides one must not decide the other."""

    @workflow(name="two")
    async def two(ctx: Context) -> str:
        pool = Pool("compliance-team", exclude=[DECIDERS])
        await human_task(ctx, "first", assign_to=pool)
        await human_task(ctx, "second", assign_to=pool)
        return "done"

    run = runs.start(two)
    return lambda key: HumanTask.objects.get(run_id=run.id, key=key)


def decide(task, user):
    inbox.claim(task, user=user)
    inbox.complete(task, user=user, outcome="approve")


def test_who_decided_the_first_must_not_decide_the_second(two, runs, alice, bob):
    decide(two("first"), alice)
    runs.drain()

    with pytest.raises(NotEligible) as refused:
        inbox.claim(two("second"), user=alice)

    assert why(refused) == ("sod", "decider")
    assert inbox.claim_next(user=alice) is None
    decide(two("second"), bob)


def test_who_holds_both_can_decide_one(runs, alice, bob):
    @workflow(name="both")
    async def both(ctx: Context) -> str:
        pool = Pool("compliance-team", exclude=[DECIDERS])
        await asyncio.gather(
            human_task(ctx, "one", assign_to=pool), human_task(ctx, "other", assign_to=pool)
        )
        return "done"

    runs.start(both)
    one, other = HumanTask.objects.order_by("ref")
    inbox.claim(one, user=alice)
    inbox.claim(other, user=alice)
    inbox.complete(one, user=alice, outcome="approve")

    with pytest.raises(NotEligible) as refused:
        inbox.complete(other, user=alice, outcome="approve")

    assert why(refused) == ("sod", "decider")
    decide(inbox.release(other, user=alice), bob)


def test_a_person_may_be_excluded_by_name(ask, alice, bob):
    task = ask(assign_to=Pool("compliance-team", exclude=["alice"]))

    with pytest.raises(NotEligible) as refused:
        inbox.claim(task, user=alice)

    assert why(refused) == ("sod", "named")
    assert inbox.claim(task, user=bob).assignee == bob


def test_the_requester_may_be_excluded_where_the_type_would_let_them(ask, alice):
    @human_task_type("loose")
    class Loose(HumanTaskType):
        requester_may_answer = True
        routing = Pool("compliance-team", exclude=[REQUESTER])

    task = ask(initiator=alice, type="loose", assign_to=None)

    with pytest.raises(NotEligible) as refused:
        inbox.claim(task, user=alice)
    assert why(refused) == ("sod", "requester")


def test_a_type_says_whom_to_ask(ask, alice):
    @human_task_type("routed")
    class Routed(HumanTaskType):
        routing = Direct("alice")

    task = ask(type="routed", assign_to=None)

    assert (task.status, task.assignee) == ("claimed", alice)


def test_somebody_must_be_asked(runs, alice, asking):
    run = runs.start(asking(assign_to=None))

    assert "say whom to ask" in run.error["message"]


@pytest.mark.parametrize("wrong", [{"exclude": [""]}, {"exclude": ["user:"]}])
def test_a_wrong_exclusion_is_refused_where_it_is_written(wrong):
    with pytest.raises(ValueError, match="exclude takes"):
        Pool("team", **wrong)


def test_a_pool_of_nobody_is_refused():
    with pytest.raises(ValueError, match="assign_to is"):
        Pool()


# ---- a conflict of interest ----------------------------------------------------------


def test_who_knows_the_customer_says_so_and_is_out(task, alice, bob):
    inbox.claim(task, user=alice)

    now = inbox.declare_conflict(task, user=alice, reason="my cousin")

    assert now.status == "ready"
    assert TaskAudit.objects.get(verb="declared_conflict").reason == "my cousin"
    with pytest.raises(NotEligible) as refused:
        inbox.claim(task, user=alice)
    assert why(refused) == ("sod", "conflict")
    assert inbox.claim(task, user=bob).assignee == bob


def test_one_may_say_so_before_claiming_and_while_another_has_it(task, alice, bob):
    inbox.claim(task, user=bob)

    assert inbox.declare_conflict(task, user=alice, reason="my cousin").assignee == bob


def test_a_conflict_needs_a_reason(task, alice):
    with pytest.raises(InvalidAnswer):
        inbox.declare_conflict(task, user=alice, reason="")


def test_who_could_not_answer_anyway_declares_nothing(task, carol):
    with pytest.raises(NotEligible):
        inbox.declare_conflict(task, user=carol, reason="my cousin")


# ---- the other doors -----------------------------------------------------------------


@pytest.mark.parametrize("is_superuser", [False, True])
def test_the_requester_is_refused_at_every_door(ask, alice, bob, is_superuser):
    alice.is_superuser = is_superuser
    alice.save()
    task = ask(initiator=alice)
    doors = [
        lambda: inbox.claim(task, user=alice),
        lambda: inbox.assign(task, user=bob, to=alice),
        lambda: inbox.delegate(inbox.claim(task, user=bob), user=bob, to=alice),
    ]

    for door in doors:
        with pytest.raises((NotEligible, InvalidAnswer)):
            door()
    assert inbox.claim_next(user=alice) is None
    assert HumanTask.objects.get().assignee == bob
