"""Giving a task to somebody else."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from humantasks import HumanTaskType, human_task_type, inbox
from humantasks.inbox import InvalidAnswer, NotEligible, TaskConflict
from humantasks.models import HumanTask, TaskAudit, TeamProfile
from orchestrator import get_run

LOW = {"risk": "low"}


@pytest.fixture
def lead(alice, person):
    """Lena leads Alice's and Bob's team, and is not in it."""
    lena = person("lena", first_name="Lena")
    TeamProfile.objects.create(group=Group.objects.get(name="compliance-team")).leads.add(lena)
    return lena


@pytest.fixture
def mine(task, alice):
    return inbox.claim(task, user=alice)


def codes(caught):
    return [(error.loc, error.type) for error in caught.value.errors]


# ---- assign --------------------------------------------------------------------------


def test_a_lead_assigns_a_free_task(task, lead, alice):
    now = inbox.assign(task, user=lead, to=alice, note="you know him")

    assert (now.status, now.assignee) == ("claimed", alice)
    entry = TaskAudit.objects.get(verb="assigned")
    assert (entry.actor, entry.reason) == (lead, "you know him")
    assert entry.changes == {"assignee": ["", "Alice"]}


def test_a_lead_takes_a_task_from_one_and_gives_it_to_another(mine, lead, alice, bob):
    inbox.assign(mine, user=lead, to=bob)

    with pytest.raises(TaskConflict) as refused:
        inbox.complete(mine, user=alice, outcome="approve", data=LOW)
    assert (refused.value.code, refused.value.by) == ("not_assignee", "Bob")


def test_the_lead_of_a_team_above_may_assign(task, alice, person):
    lara = person("lara")
    above = TeamProfile.objects.create(group=Group.objects.create(name="head"))
    above.leads.add(lara)
    TeamProfile.objects.create(group=alice.groups.get(), parent=above)

    assert inbox.assign(task, user=lara, to=alice).assignee == alice


def test_teams_that_form_a_ring_do_no_harm(task, alice, lead):
    own = TeamProfile.objects.get()
    TeamProfile.objects.update(parent=own)

    assert inbox.assign(task, user=lead, to=alice).assignee == alice


@pytest.mark.parametrize("who", ["bob", "carol", "oscar"])
def test_nobody_else_assigns(task, alice, who, request):
    with pytest.raises(NotEligible) as refused:
        inbox.assign(task, user=request.getfixturevalue(who), to=alice)

    assert refused.value.code == "not_lead"


def test_a_task_is_not_assigned_to_who_may_not_answer_it(task, lead, carol):
    with pytest.raises(InvalidAnswer) as refused:
        inbox.assign(task, user=lead, to=carol)

    assert codes(refused) == [(("to",), "not_eligible")]


def test_a_task_is_not_assigned_to_who_asked(ask, lead, alice):
    task = ask(initiator=alice)

    with pytest.raises(InvalidAnswer) as refused:
        inbox.assign(task, user=lead, to=alice)

    assert codes(refused) == [(("to",), "sod")]


def test_who_holds_it_hands_it_over_if_its_type_allows(ask, alice, bob):
    @human_task_type("handy")
    class Handy(HumanTaskType):
        transferable = True

    task = inbox.claim(ask(type="handy"), user=alice)

    assert inbox.assign(task, user=alice, to=bob).assignee == bob
    with pytest.raises(NotEligible):
        inbox.assign(task, user=alice, to=alice)


def test_what_has_ended_is_not_assigned(mine, lead, alice, bob):
    inbox.complete(mine, user=alice, outcome="approve", data=LOW)

    with pytest.raises(TaskConflict) as refused:
        inbox.assign(mine, user=lead, to=bob)

    assert refused.value.code == "already_completed"


# ---- delegate ------------------------------------------------------------------------


def test_the_result_names_both(mine, alice, bob, runs):
    inbox.delegate(mine, user=alice, to=bob, note="while I am away")
    inbox.complete(mine, user=bob, outcome="approve", data=LOW)

    runs.drain()
    result = get_run(mine.run_id).result(timeout=0)
    assert (result.completed_by, result.on_behalf_of) == ("bob", "alice")
    assert TaskAudit.objects.get(verb="completed").on_behalf_of == "Alice"


def test_given_back_it_returns_to_who_delegated_it(mine, alice, bob):
    inbox.delegate(mine, user=alice, to=bob)

    now = inbox.release(mine, user=bob)

    assert (now.status, now.assignee, now.owner) == ("claimed", alice, None)


def test_given_back_it_does_not_return_to_who_may_not_answer_any_more(mine, alice, bob):
    inbox.delegate(mine, user=alice, to=bob)
    alice.groups.clear()

    assert inbox.release(mine, user=bob).status == "ready"


def test_it_may_not_be_delegated_to_who_may_not_answer_it(mine, alice, carol):
    with pytest.raises(InvalidAnswer):
        inbox.delegate(mine, user=alice, to=carol)


def test_only_who_holds_it_delegates(mine, bob):
    with pytest.raises(TaskConflict) as refused:
        inbox.delegate(mine, user=bob, to=bob)

    assert refused.value.code == "not_assignee"


# ---- move ----------------------------------------------------------------------------


def test_a_lead_moves_a_task_to_another_team(mine, lead, alice, carol):
    editors = Group.objects.get(name="editors")

    now = inbox.move(mine, user=lead, to=editors, note="it is about a text")

    assert (now.status, now.team, now.assign_to) == ("ready", editors, ["editors"])
    assert inbox.claim(mine, user=carol).assignee == carol
    assert not HumanTask.objects.free_for(alice).exists()


def test_who_must_not_answer_must_not_in_another_team_either(ask, lead, alice):
    task = ask(initiator=alice)
    other = Group.objects.create(name="other")
    alice.groups.add(other)

    inbox.move(task, user=lead, to=other)

    with pytest.raises(NotEligible) as refused:
        inbox.claim(task, user=alice)
    assert refused.value.code == "sod"


def test_others_move_nothing(mine, bob, carol):
    with pytest.raises(NotEligible):
        inbox.move(mine, user=bob, to=carol.groups.get())


# ---- who sees ------------------------------------------------------------------------


def test_a_lead_sees_the_tasks_of_the_team_and_answers_none(task, lead):
    assert HumanTask.objects.visible_to(lead).get() == task
    assert HumanTask.objects.involving(lead).get() == task
    with pytest.raises(NotEligible) as refused:
        inbox.claim(task, user=lead)
    assert refused.value.code == "not_eligible"
