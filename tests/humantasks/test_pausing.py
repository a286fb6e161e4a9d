"""Putting a task aside: for a while, or until a question is answered."""

from __future__ import annotations

from datetime import timedelta

import pytest

from humantasks import HumanTaskType, human_task_type, inbox
from humantasks.inbox import InvalidAnswer, NotEligible, TaskConflict
from humantasks.models import HumanTask, TaskAudit, TaskComment
from orchestrator import clock, get_run

HOUR = timedelta(hours=1)


@pytest.fixture
def later():
    moved = []

    def move(by):
        clock.move(by)
        moved.append(by)

    yield move
    for by in moved:
        clock.move(-by)


@pytest.fixture
def mine(ask, alice, carol):
    """Asked for by Carol, due in two days, held by Alice."""
    return inbox.claim(ask(initiator=carol, due="2d"), user=alice)


def of(error):
    return [(one.loc, one.type) for one in error.value.errors]


# ---- for a while ---------------------------------------------------------------------


def test_a_snoozed_task_stays_its_holders_and_wakes_by_itself(mine, alice, later):
    until = clock.now() + HOUR
    now = inbox.snooze(mine, user=alice, until=until)
    assert (now.status, now.pause_kind, now.assignee) == ("paused", "snooze", alice)

    assert inbox.tend() == 0
    later(2 * HOUR)
    assert inbox.tend() == 1

    now = HumanTask.objects.get()
    assert (now.status, now.pause_kind, now.paused_until) == ("claimed", "", None)
    assert TaskAudit.objects.get(verb="woke").actor is None


def test_a_snooze_does_not_move_the_due_time(mine, alice):
    due_at = mine.due_at
    inbox.snooze(mine, user=alice, until=clock.now() + HOUR)

    assert inbox.unsnooze(mine, user=alice).due_at == due_at


@pytest.mark.parametrize("hours", [-1, 0, 49])
def test_a_snooze_ends_in_time_and_before_the_task_is_due(mine, alice, hours):
    with pytest.raises(InvalidAnswer) as refused:
        inbox.snooze(mine, user=alice, until=clock.now() + hours * HOUR)

    assert of(refused) == [(("until",), "value_error")]


def test_a_type_may_forbid_it(ask, alice):
    @human_task_type("now-or-never")
    class NowOrNever(HumanTaskType):
        may_snooze = False

    task = inbox.claim(ask(type="now-or-never"), user=alice)

    with pytest.raises(NotEligible) as refused:
        inbox.snooze(task, user=alice, until=clock.now() + HOUR)
    assert refused.value.code == "not_allowed"


def test_what_is_put_aside_cannot_be_answered_nor_claimed(mine, alice, bob):
    inbox.snooze(mine, user=alice, until=clock.now() + HOUR)

    with pytest.raises(TaskConflict) as refused:
        inbox.complete(mine, user=alice, outcome="approve", data={"risk": "low"})
    assert refused.value.code == "wrong_state"
    with pytest.raises(TaskConflict) as refused:
        inbox.claim(mine, user=bob)
    assert refused.value.code == "already_claimed"


def test_what_is_put_aside_can_be_given_back(mine, alice):
    inbox.snooze(mine, user=alice, until=clock.now() + HOUR)

    now = inbox.release(mine, user=alice)

    assert (now.status, now.pause_kind, now.paused_until) == ("ready", "", None)


def test_only_a_snooze_is_ended_like_one(mine, alice):
    inbox.request_info(mine, user=alice, question="Which one?")

    with pytest.raises(TaskConflict) as refused:
        inbox.unsnooze(mine, user=alice)
    assert refused.value.code == "wrong_state"


def test_a_cancelled_run_withdraws_what_is_put_aside(mine, alice, runs):
    inbox.snooze(mine, user=alice, until=clock.now() + HOUR)

    get_run(mine.run_id).cancel()

    now = HumanTask.objects.get()
    assert (now.status, now.pause_kind) == ("withdrawn", "")


# ---- until a question is answered ----------------------------------------------------


def test_the_requester_is_asked_and_answers(mine, alice, carol):
    now = inbox.request_info(mine, user=alice, question="Which address?")
    assert (now.status, now.pause_kind, now.asked_of) == ("paused", "info", carol)

    now = inbox.answer_info(mine, user=carol, text="The new one")

    assert (now.status, now.assignee, now.asked_of) == ("claimed", alice, None)
    said = TaskComment.objects.order_by("id").values_list("kind", "text")
    assert list(said) == [("question", "Which address?"), ("answer", "The new one")]


def test_who_is_asked_sees_the_task_meanwhile_but_not_as_their_own_to_judge(mine, alice, carol):
    assert not HumanTask.objects.visible_to(carol).exists()
    inbox.request_info(mine, user=alice, question="Which address?")

    assert HumanTask.objects.visible_to(carol).exists()
    assert not HumanTask.objects.involving(carol).exists()
    assert HumanTask.objects.asked_of(carol).exists()


def test_the_clock_stands_still_while_it_waits(mine, alice, carol, later):
    due_at = mine.due_at
    inbox.request_info(mine, user=alice, question="Which address?")
    later(10 * HOUR)

    now = inbox.answer_info(mine, user=carol, text="The new one")

    assert timedelta(0) <= now.due_at - due_at - 10 * HOUR < timedelta(seconds=30)


def test_a_task_that_waits_for_information_is_not_overdue(mine, alice):
    HumanTask.objects.update(due_at=clock.now() - HOUR)
    assert HumanTask.objects.get().is_overdue

    inbox.request_info(mine, user=alice, question="Which address?")

    assert not HumanTask.objects.get().is_overdue


def test_somebody_else_may_be_asked(mine, alice, oscar):
    assert inbox.request_info(mine, user=alice, question="How?", of=oscar).asked_of == oscar


def test_nobody_else_answers(mine, alice, bob):
    inbox.request_info(mine, user=alice, question="Which address?")

    with pytest.raises(NotEligible):
        inbox.answer_info(mine, user=bob, text="I guess the old one")


def test_without_anybody_to_ask_it_is_refused(ask, alice):
    task = inbox.claim(ask(), user=alice)

    with pytest.raises(InvalidAnswer) as refused:
        inbox.request_info(task, user=alice, question="Which address?")
    assert of(refused) == [(("of",), "nobody")]


@pytest.mark.parametrize("text", ["", "  ", "x" * 2001, "a\x00b"])
def test_a_question_is_a_text(mine, alice, text):
    with pytest.raises(InvalidAnswer) as refused:
        inbox.request_info(mine, user=alice, question=text)
    assert refused.value.errors[0].loc == ("question",)


def test_who_asked_may_go_on_without_an_answer(mine, alice, carol):
    inbox.request_info(mine, user=alice, question="Which address?")

    assert inbox.withdraw_question(mine, user=alice).status == "claimed"
    with pytest.raises(TaskConflict):
        inbox.answer_info(mine, user=carol, text="Too late")
