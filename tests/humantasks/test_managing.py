"""How pressing a task is, and what people say about it: nobody who judges is disturbed."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, Permission

from humantasks import inbox
from humantasks.inbox import InvalidAnswer, NotEligible
from humantasks.models import HumanTask, TaskAudit, TaskComment, TeamProfile
from orchestrator import clock

DAY = timedelta(days=1)


@pytest.fixture
def lead(alice, person):
    lena = person("lena", first_name="Lena")
    TeamProfile.objects.create(group=Group.objects.get(name="compliance-team")).leads.add(lena)
    return lena


@pytest.fixture
def operator(oscar):
    oscar.user_permissions.add(Permission.objects.get(codename="operate_run"))
    return oscar


def test_a_lead_changes_the_priority_while_somebody_judges(task, alice, lead):
    mine = inbox.claim(task, user=alice)

    inbox.set_priority(task, user=lead, priority=90)

    assert TaskAudit.objects.get(verb="updated").changes == {"priority": [30, 90]}
    inbox.complete(
        task, user=alice, outcome="approve", data={"risk": "low"}, data_rev=mine.data_rev
    )


def test_an_operator_may_too(task, operator):
    assert inbox.set_priority(task, user=operator, priority=10).priority == 10


def test_others_may_not(task, alice):
    with pytest.raises(NotEligible) as refused:
        inbox.set_priority(task, user=alice, priority=90)
    assert refused.value.code == "not_lead"


def test_what_is_no_priority_is_refused(task, lead):
    with pytest.raises(InvalidAnswer):
        inbox.set_priority(task, user=lead, priority=31)


def test_the_same_priority_is_no_change(task, lead):
    inbox.set_priority(task, user=lead, priority=30)

    assert not TaskAudit.objects.filter(verb="updated").exists()


def test_an_earlier_due_time_needs_no_reason_and_a_later_one_does(ask, alice, lead):
    task = ask(due="2d")
    sooner, later = task.due_at - DAY, task.due_at + DAY

    assert inbox.set_due(task, user=lead, due_at=sooner).due_at == sooner
    with pytest.raises(InvalidAnswer) as refused:
        inbox.set_due(task, user=lead, due_at=later)
    assert refused.value.errors[0].loc == ("reason",)
    now = inbox.set_due(task, user=lead, due_at=later, reason="the customer is on holiday")
    assert now.due_at == later
    assert TaskAudit.objects.latest("seq").reason == "the customer is on holiday"


# ---- escalating ----------------------------------------------------------------------


@pytest.fixture
def above(lead):
    head = TeamProfile.objects.create(group=Group.objects.create(name="head"))
    TeamProfile.objects.filter(group__name="compliance-team").update(parent=head)
    return head


def test_an_escalated_task_reaches_the_team_above_and_stays_where_it_is(task, alice, above, person):
    hilda = person("hilda", "head")
    inbox.claim(task, user=alice)

    now = inbox.escalate(task, user=alice, note="over my head")

    assert (now.escalation_level, now.priority, now.assignee) == (1, 50, alice)
    assert HumanTask.objects.visible_to(hilda).exists()
    assert inbox.release(task, user=alice).status == "ready"
    assert inbox.claim(task, user=hilda).assignee == hilda


def test_there_is_an_end_to_escalating(task, alice, above):
    inbox.claim(task, user=alice)
    inbox.escalate(task, user=alice, note="over my head")

    with pytest.raises(InvalidAnswer, match="No team stands above"):
        inbox.escalate(task, user=alice, note="over everybody's head")


def test_who_does_not_hold_it_escalates_nothing(task, bob, above):
    with pytest.raises(NotEligible):
        inbox.escalate(task, user=bob, note="why not")


# ---- comments ------------------------------------------------------------------------


def test_a_comment_does_not_disturb_who_judges(task, alice, bob):
    mine = inbox.claim(task, user=alice)

    inbox.comment(task, user=bob, text="seen him before")

    assert HumanTask.objects.get().data_rev == mine.data_rev
    inbox.complete(
        task, user=alice, outcome="approve", data={"risk": "low"}, data_rev=mine.data_rev
    )
    inbox.comment(task, user=bob, text="well done")
    assert TaskComment.objects.count() == 2


def test_a_comment_that_is_sent_twice_is_said_once(task, alice):
    name = uuid4()

    first = inbox.comment(task, user=alice, text="hm", submission_id=name)

    assert inbox.comment(task, user=alice, text="hm", submission_id=name) == first
    assert TaskAudit.objects.filter(verb="commented").count() == 1


def test_who_does_not_see_the_data_says_nothing_about_it(task, carol):
    carol.user_permissions.add(Permission.objects.get(codename="view_humantask"))

    with pytest.raises(NotEligible):
        inbox.comment(task, user=carol, text="hm")


@pytest.mark.parametrize("text", ["", " \n", "x" * 2001])
def test_a_comment_is_a_text(task, alice, text):
    with pytest.raises(InvalidAnswer):
        inbox.comment(task, user=alice, text=text)


def test_a_late_time_is_told_by_the_database_clock(task, lead):
    now = inbox.set_due(task, user=lead, due_at=clock.now() - DAY)

    assert now.is_overdue
