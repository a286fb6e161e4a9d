"""Drafts: kept while somebody works, never brought back, never overwritten unseen."""

from __future__ import annotations

from uuid import uuid4

import pytest

from humantasks import inbox
from humantasks.inbox import Code, TaskConflict
from humantasks.models import TaskAudit, TaskDraft
from orchestrator import get_run

HALF = {"data.note": ["half"]}
WHOLE = {"data.note": ["whole"]}
LOW = {"risk": "low"}


@pytest.fixture
def mine(task, alice):
    return inbox.claim(task, user=alice)


@pytest.fixture
def save(mine, alice):
    def do(data=HALF, *, page=None, rev=0, user=alice):
        return inbox.save_draft(
            mine, user=user, data=data, submission_id=page or uuid4(), draft_rev=rev
        )

    return do


def test_what_is_typed_is_kept_for_who_typed_it(save, alice):
    draft = save()

    assert (draft.user, draft.data, draft.draft_rev) == (alice, HALF, 1)


def test_a_page_goes_on_saving_without_knowing_its_last_number(save):
    page = uuid4()

    save(page=page)
    save(WHOLE, page=page)

    assert TaskDraft.objects.get().data == WHOLE


def test_another_window_does_not_overwrite_what_it_has_not_seen(save):
    save(WHOLE)

    with pytest.raises(TaskConflict) as conflict:
        save(HALF)

    assert (conflict.value.code, conflict.value.is_me) == (Code.DRAFT_CONFLICT, True)
    assert TaskDraft.objects.get().data == WHOLE


def test_saving_the_same_again_is_no_conflict_and_no_change(save):
    save(WHOLE)

    assert save(WHOLE).draft_rev == 1


def test_another_window_that_has_seen_it_goes_on(save):
    first = save(HALF)

    second = save(WHOLE, rev=first.draft_rev)

    assert (second.data, second.draft_rev) == (WHOLE, 2)


def test_a_late_save_does_not_bring_a_draft_back(save, mine, alice):
    inbox.complete(mine, user=alice, outcome="approve", data=LOW)

    assert save() is None
    assert not TaskDraft.objects.exists()


def test_who_no_longer_holds_the_task_is_told(save, mine, alice, bob):
    inbox.release(mine, user=alice)
    inbox.claim(mine, user=bob)

    with pytest.raises(TaskConflict) as conflict:
        save()

    assert (conflict.value.code, conflict.value.by) == (Code.NOT_ASSIGNEE, "Bob")


def test_a_draft_is_still_there_after_giving_back_and_claiming_again(save, mine, alice):
    save()
    inbox.release(mine, user=alice)
    inbox.claim(mine, user=alice)

    assert TaskDraft.objects.get().data == HALF


def test_a_draft_survives_the_end_of_the_run(save, mine):
    save()

    get_run(mine.run_id).cancel()

    assert TaskDraft.objects.get().data == HALF


def test_answers_that_came_too_late_are_kept_for_their_author(mine, bob):
    draft = inbox.keep_answers(mine, user=bob, data=WHOLE, submission_id=uuid4())

    assert (draft.user, draft.data) == (bob, WHOLE)


def test_answers_after_ones_own_decision_are_not_kept(mine, alice):
    inbox.complete(mine, user=alice, outcome="approve", data=LOW)

    assert inbox.keep_answers(mine, user=alice, data=WHOLE, submission_id=uuid4()) is None


def test_drafts_are_not_in_the_audit_and_change_no_number(save, mine):
    save()

    mine.refresh_from_db()
    assert mine.seq == 1
    assert list(TaskAudit.objects.values_list("verb", flat=True)) == ["created", "claimed"]
