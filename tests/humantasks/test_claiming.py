"""Taking a task and giving it back: the verbs."""

from __future__ import annotations

import pytest

from humantasks import inbox
from humantasks.inbox import Code, NotEligible, TaskConflict
from humantasks.models import HumanTask, Status, TaskAudit
from orchestrator import get_run


def test_a_claim_makes_the_task_mine(task, alice):
    claimed = inbox.claim(task, user=alice)

    assert (claimed.status, claimed.assignee) == (Status.CLAIMED, alice)
    assert claimed.claimed_at is not None
    entry = TaskAudit.objects.get(task=task, verb="claimed")
    assert (entry.actor, entry.actor_label, entry.from_status, entry.to_status) == (
        alice,
        "Alice",
        "ready",
        "claimed",
    )


def test_who_comes_second_learns_who_was_first_and_when(task, alice, bob):
    claimed = inbox.claim(task, user=alice)

    with pytest.raises(TaskConflict) as conflict:
        inbox.claim(task, user=bob)

    assert (conflict.value.code, conflict.value.by) == (Code.ALREADY_CLAIMED, "Alice")
    assert conflict.value.at == claimed.claimed_at
    assert HumanTask.objects.get().assignee == alice


def test_claiming_twice_is_claiming_once(task, alice):
    inbox.claim(task, user=alice)
    inbox.claim(task, user=alice)

    assert TaskAudit.objects.filter(task=task, verb="claimed").count() == 1


def test_a_stranger_may_not_claim(task, carol):
    with pytest.raises(NotEligible) as refused:
        inbox.claim(task, user=carol)

    assert refused.value.code == Code.NOT_ELIGIBLE


def test_a_claim_that_comes_after_a_cancel_is_told_so(task, alice):
    get_run(task.run_id).cancel(reason="a duplicate")

    with pytest.raises(TaskConflict) as conflict:
        inbox.claim(task, user=alice)

    assert (conflict.value.code, conflict.value.reason) == (Code.WITHDRAWN, "a duplicate")


def test_a_task_that_is_given_back_is_free_for_others(task, alice, bob):
    inbox.claim(task, user=alice)

    released = inbox.release(task, user=alice)

    assert (released.status, released.assignee, released.claimed_at) == ("ready", None, None)
    assert inbox.claim(task, user=bob).assignee == bob


def test_giving_back_twice_is_giving_back_once(task, alice):
    inbox.claim(task, user=alice)
    inbox.release(task, user=alice)
    inbox.release(task, user=alice)

    assert TaskAudit.objects.filter(task=task, verb="released").count() == 1


def test_only_who_holds_a_task_gives_it_back(task, alice, bob):
    inbox.claim(task, user=alice)

    with pytest.raises(TaskConflict) as conflict:
        inbox.release(task, user=bob)

    assert (conflict.value.code, conflict.value.by) == (Code.NOT_ASSIGNEE, "Alice")
    assert HumanTask.objects.get().assignee == alice


def test_every_change_counts_and_is_in_the_audit(task, alice):
    inbox.claim(task, user=alice)
    inbox.release(task, user=alice)
    inbox.claim(task, user=alice)

    entries = TaskAudit.objects.filter(task=task).order_by("seq")
    assert [(one.seq, one.verb) for one in entries] == [
        (0, "created"),
        (1, "claimed"),
        (2, "released"),
        (3, "claimed"),
    ]
    assert HumanTask.objects.get().data_rev == 1


# update 1, audit 2 (its number, the entry), time 1 on PostgreSQL, the task again 1; the
# transaction 2.
def test_a_claim_asks_the_database_little(task, alice, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        inbox.claim(task, user=alice)
