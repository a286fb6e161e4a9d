"""Answering a task: the verb."""

from __future__ import annotations

from uuid import uuid4

import pytest

from humantasks import Outcome, inbox
from humantasks.inbox import Code, InvalidAnswer, TaskConflict
from humantasks.models import HumanTask, Status, TaskDecision, TaskDraft
from orchestrator import get_run
from orchestrator.models import Event

LOW = {"risk": "low"}


@pytest.fixture
def mine(task, alice):
    return inbox.claim(task, user=alice)


def test_a_decision_is_stored_with_proof_of_what_was_judged(mine, alice):
    decision = inbox.complete(mine, user=alice, outcome="approve", data=LOW, comment="ok")

    assert (decision.outcome, decision.comment, decision.user) == ("approve", "ok", alice)
    assert len(decision.evidence_digest) == 64
    done = HumanTask.objects.get()
    assert (done.status, done.outcome, done.completed_by, done.assignee) == (
        Status.COMPLETED,
        "approve",
        alice,
        None,
    )
    assert done.closed_at == decision.decided_at


def test_the_same_form_twice_is_one_decision(mine, alice):
    form = {"user": alice, "outcome": "approve", "data": LOW, "submission_id": uuid4()}

    first = inbox.complete(mine, **form)
    again = inbox.complete(mine, **form)

    assert first == again
    assert TaskDecision.objects.count() == 1
    assert Event.objects.count() == 1


def test_the_same_form_with_another_answer_is_refused(mine, alice):
    submission = uuid4()
    inbox.complete(mine, user=alice, outcome="approve", data=LOW, submission_id=submission)

    with pytest.raises(TaskConflict) as conflict:
        inbox.complete(mine, user=alice, outcome="reject", comment="no", submission_id=submission)

    assert conflict.value.code == Code.IDEMPOTENCY_MISMATCH
    assert HumanTask.objects.get().outcome == "approve"


def test_another_form_after_completion_learns_who_decided(mine, alice, bob):
    inbox.complete(mine, user=alice, outcome="approve", data=LOW)

    with pytest.raises(TaskConflict) as by_bob:
        inbox.complete(mine, user=bob, outcome="reject", comment="no")
    with pytest.raises(TaskConflict) as by_alice:
        inbox.complete(mine, user=alice, outcome="reject", comment="no")

    assert (by_bob.value.code, by_bob.value.by) == (Code.ALREADY_COMPLETED, "Alice")
    assert (by_bob.value.is_me, by_alice.value.is_me) == (False, True)


def test_a_task_that_nobody_holds_is_not_completed(task, alice):
    with pytest.raises(TaskConflict) as conflict:
        inbox.complete(task, user=alice, outcome="approve", data=LOW)

    assert conflict.value.code == Code.NOT_ASSIGNEE
    assert HumanTask.objects.get().status == Status.READY


def test_a_task_that_another_holds_is_not_completed(mine, bob):
    with pytest.raises(TaskConflict) as conflict:
        inbox.complete(mine, user=bob, outcome="approve", data=LOW)

    assert (conflict.value.code, conflict.value.by) == (Code.NOT_ASSIGNEE, "Alice")


def test_a_task_of_a_cancelled_run_is_not_completed(mine, alice):
    get_run(mine.run_id).cancel(reason="a duplicate")

    with pytest.raises(TaskConflict) as conflict:
        inbox.complete(mine, user=alice, outcome="approve", data=LOW)

    assert (conflict.value.code, conflict.value.reason) == (Code.WITHDRAWN, "a duplicate")
    assert not TaskDecision.objects.exists()


def test_an_expired_task_is_not_completed(ask, runs, alice):
    task = inbox.claim(ask(timeout="1h"), user=alice)
    runs.advance("1h")

    with pytest.raises(TaskConflict) as conflict:
        inbox.complete(task, user=alice, outcome="approve", data=LOW)

    assert conflict.value.code == Code.EXPIRED


def test_a_form_that_was_made_from_old_data_is_stale(mine, alice):
    with pytest.raises(TaskConflict) as conflict:
        inbox.complete(mine, user=alice, outcome="approve", data=LOW, data_rev=7)

    assert conflict.value.code == Code.STALE
    assert HumanTask.objects.get().status == Status.CLAIMED


def test_giving_back_and_claiming_again_makes_no_form_stale(mine, alice):
    inbox.release(mine, user=alice)
    inbox.claim(mine, user=alice)

    inbox.complete(mine, user=alice, outcome="approve", data=LOW, data_rev=mine.data_rev)

    assert HumanTask.objects.get().status == Status.COMPLETED


@pytest.mark.parametrize(
    ("answer", "loc", "message"),
    [
        ({"outcome": "maybe"}, (), "Choose how to decide"),
        ({"outcome": "approve"}, ("data", "risk"), "Choose an answer"),
        ({"outcome": "reject"}, ("comment",), "Write a comment: why “Reject”?"),
        (
            {"outcome": "approve", "data": LOW | {"risk": "none"}},
            ("data", "risk"),
            "Choose one of the answers",
        ),
        (
            {"outcome": "approve", "data": LOW | {"note": "x" * 201}},
            ("data", "note"),
            "Write at most 200 characters",
        ),
        (
            {"outcome": "approve", "data": LOW, "comment": "x" * 10_001},
            ("comment",),
            "Write at most 10,000 characters",
        ),
        (
            {"outcome": "approve", "data": LOW, "comment": "\x00"},
            ("comment",),
            "This has a character that cannot be stored",
        ),
        (
            {"outcome": "approve", "data": LOW, "comment": "\ud800"},
            ("comment",),
            "This has a character that cannot be stored",
        ),
        (
            {"outcome": "approve", "data": LOW | {"note": "\x00"}},
            (),
            "The answer has a character or a number that cannot be stored",
        ),
    ],
)
def test_a_wrong_answer_is_refused_in_plain_words(mine, alice, answer, loc, message):
    with pytest.raises(InvalidAnswer) as invalid:
        inbox.complete(mine, user=alice, **answer)

    assert [(one.loc, one.message) for one in invalid.value.errors] == [(loc, message)]
    assert HumanTask.objects.get().status == Status.CLAIMED
    assert not TaskDecision.objects.exists()


def test_an_outcome_of_ones_own(ask, alice):
    outcomes = [Outcome("publish", positive=True), Outcome("send_back", comment="required")]
    task = inbox.claim(ask(outcomes=outcomes), user=alice)

    inbox.complete(task, user=alice, outcome="publish", data=LOW)

    kyc = get_run(task.run_id).result(timeout=0)
    assert (kyc.outcome, kyc.approved) == ("publish", True)


def test_completing_forgets_ones_own_draft_only(mine, alice, bob):
    typed = {"data.note": ["half"]}
    inbox.save_draft(mine, user=alice, data=typed, submission_id=uuid4(), draft_rev=0)
    inbox.keep_answers(mine, user=bob, data=typed, submission_id=uuid4())

    inbox.complete(mine, user=alice, outcome="approve", data=LOW)

    assert [draft.user for draft in TaskDraft.objects.all()] == [bob]


def test_nothing_is_written_when_the_engine_cannot_be_told(mine, alice, monkeypatch):
    def fail(*args: object) -> bool:
        raise RuntimeError("the database is gone")

    monkeypatch.setattr("orchestrator.waits.answer", fail)

    with pytest.raises(RuntimeError):
        inbox.complete(mine, user=alice, outcome="approve", data=LOW)

    assert HumanTask.objects.get().status == Status.CLAIMED
    assert not TaskDecision.objects.exists()
