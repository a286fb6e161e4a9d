"""Who sees which tasks. What somebody may not see does not exist for them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission

from humantasks import inbox
from humantasks.models import HumanTask


def seen_by(user):
    return HumanTask.objects.visible_to(user).count()


def test_the_team_sees_the_task_and_others_do_not(task, alice, bob, carol):
    assert [seen_by(user) for user in (alice, bob, carol)] == [1, 1, 0]


def test_who_completed_a_task_still_sees_it_after_leaving_the_team(task, alice):
    inbox.claim(task, user=alice)
    inbox.complete(task, user=alice, outcome="approve", data={"risk": "low"})

    alice.groups.clear()

    assert seen_by(alice) == 1


def test_who_holds_a_task_still_sees_it_after_leaving_the_team(task, alice):
    inbox.claim(task, user=alice)

    alice.groups.clear()

    assert seen_by(alice) == 1


def test_an_operator_with_the_permission_sees_every_task(task, oscar):
    assert seen_by(oscar) == 0

    oscar.user_permissions.add(Permission.objects.get(codename="view_humantask"))

    again = type(oscar).objects.get(pk=oscar.pk)
    assert seen_by(again) == 1
    assert HumanTask.objects.queue_of(again).count() == 0


def test_the_requester_in_the_team_sees_it_with_a_lock(ask, alice):
    ask(initiator=alice)

    [task] = HumanTask.objects.queue_of(alice).with_exclusion_of(alice)

    assert task.excluded_why == "requester"


@pytest.mark.parametrize("text", ["kyc", "KYC", "#{ref}", "{ref}", " #{ref} "])
def test_a_task_is_found_by_its_number_or_title(task, text):
    assert HumanTask.objects.matching(text.format(ref=task.ref)).get() == task


@pytest.mark.parametrize("text", ["zzz", "#999999", "9" * 400, "²", "%", "_"])
def test_odd_searches_find_nothing_and_break_nothing(task, text):
    assert not HumanTask.objects.matching(text).exists()


def test_the_most_pressing_come_first_and_pages_follow_each_other(ask):
    calm = ask(name="a")
    due_late = ask(name="b", due="9d")
    due_soon = ask(name="c", due="1h")
    urgent = ask(name="d", priority="urgent")

    tasks = HumanTask.objects.most_pressing_first()

    assert list(tasks) == [urgent, due_soon, due_late, calm]
    for index, task in enumerate(tasks):
        assert list(tasks.after(task)) == list(tasks)[index + 1 :]
