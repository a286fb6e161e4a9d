"""`runs.complete` and `runs.tasks`: a test answers human tasks through the inbox's own verbs."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User

from humantasks import FourEyes, HumanTaskType, Quorum, human_task, human_task_type
from humantasks.inbox import InvalidAnswer, NotEligible, TaskConflict, claim
from humantasks.models import HumanTask, TaskAudit
from orchestrator import Context, get_run, workflow
from tests.humantasks.conftest import KycDecision, Risk

GOOD = {"risk": "low", "note": "fine"}


@pytest.fixture
def run(task):
    return get_run(task.run_id)


def test_the_open_tasks_of_a_run(runs, run, task):
    assert runs.tasks(run) == [task]


def test_an_answer_goes_through_the_inbox_and_drives_the_run(runs, run, task, alice):
    runs.complete(run, "kyc", outcome="approve", data=GOOD, comment="ok", user=alice)

    answer = runs.expect(run).result()
    assert (answer.completed_by, answer.comment) == ("alice", "ok")
    assert answer.data == KycDecision(risk=Risk.LOW, note="fine")
    verbs = TaskAudit.objects.filter(task=task).order_by("seq").values_list("verb", flat=True)
    assert list(verbs) == ["created", "claimed", "completed"]
    assert runs.tasks(run) == []


def test_the_answer_may_be_an_instance_of_the_form(runs, run, alice):
    runs.complete(run, "kyc", outcome="approve", data=KycDecision(risk=Risk.HIGH), user=alice)

    assert run.result().data.risk is Risk.HIGH


def test_a_wrong_answer_fails_with_the_inboxs_error_and_the_field(runs, run, task):
    with pytest.raises(InvalidAnswer) as caught:
        runs.complete(run, "kyc", outcome="approve", data={"risk": "odd"})

    assert [error.loc for error in caught.value.errors] == [("data", "risk")]
    assert "data.risk: " in "".join(caught.value.__notes__)
    assert runs.tasks(run) == [task]


def test_an_unknown_outcome_is_told_with_those_that_there_are(runs, run):
    with pytest.raises(InvalidAnswer) as caught:
        runs.complete(run, "kyc", outcome="approved", data=GOOD)

    assert "outcome='approve' or 'reject'" in caught.value.__notes__[0]


def test_an_answer_needs_an_outcome(runs, run):
    with pytest.raises(TypeError, match="say how the task ends: outcome='approve' or 'reject'"):
        runs.complete(run, "kyc", data=GOOD)


def test_who_may_not_answer_is_refused(runs, run, carol):
    with pytest.raises(NotEligible) as caught:
        runs.complete(run, "kyc", outcome="approve", data=GOOD, user=carol)

    assert "it is assigned to compliance-team" in caught.value.__notes__[0]


def test_what_somebody_else_holds_is_refused(runs, run, task, alice, bob):
    claim(task, user=bob)

    with pytest.raises(TaskConflict):
        runs.complete(run, "kyc", outcome="approve", data=GOOD, user=alice)


def test_without_a_user_the_holder_answers(runs, run, task, alice, bob):
    claim(task, user=bob)
    runs.complete(run, "kyc", outcome="approve", data=GOOD)

    assert run.result().completed_by == "bob"


def test_without_a_user_one_of_the_team_answers(runs, run):
    runs.complete(run, "kyc", outcome="approve", data=GOOD)

    assert run.result().completed_by == "alice"


def test_without_a_user_the_requester_is_passed_over(runs, ask, alice):
    run = get_run(ask(initiator=alice).run_id)
    runs.complete(run, "kyc", outcome="approve", data=GOOD)

    assert run.result().completed_by == "bob"


@pytest.mark.parametrize("team", ["compliance-team", "group:compliance-team"])
def test_where_nobody_is_yet_a_team_and_its_first_member_are_made(runs, asking, team):
    run = runs.start(asking(assign_to=team))
    runs.complete(run, "kyc", outcome="approve", data=GOOD)

    assert run.result().completed_by == "somebody-of-compliance-team"
    assert User.objects.get().groups.get() == Group.objects.get(name="compliance-team")


def test_a_person_who_is_not_there_is_not_invented(runs, asking):
    run = runs.start(asking(assign_to="user:ana"))

    with pytest.raises(LookupError, match=r"assigned to user:ana\. Make the person before"):
        runs.complete(run, "kyc", outcome="approve", data=GOOD)


def test_a_task_that_has_expired_is_not_waited_for(runs, ask):
    run = get_run(ask(timeout="1d").run_id)
    runs.advance("2d")

    with pytest.raises(LookupError, match="waits for nothing; it is completed"):
        runs.complete(run, "kyc", outcome="approve", data=GOOD)
    assert HumanTask.objects.get().status == "expired"


# ---- several people ------------------------------------------------------------------


def test_a_proposal_and_its_check_are_two_answers(runs):
    @human_task_type("two-look")
    class TwoLook(HumanTaskType):
        review = FourEyes("leads")

    run = runs.start(asks_for("two-look"))

    runs.complete(run, "look", outcome="approve", comment="fine")
    assert run.refresh().status == "waiting"
    runs.complete(run, "look", outcome="return", comment="really?")
    runs.complete(run, "look", outcome="approve", comment="yes")
    with pytest.raises(TypeError, match="outcome='approve' or 'return'"):
        runs.complete(run, "look")
    runs.complete(run, "look", outcome="approve")

    result = run.result(timeout=0)
    assert (result.round, result.comment, len(result.reviewers)) == (2, "yes", 2)


def test_each_vote_is_somebody_elses(runs):
    @human_task_type("ballot")
    class Ballot(HumanTaskType):
        review = Quorum(2, of=3)

    run = runs.start(asks_for("ballot"))

    for outcome in ("approve", "reject", "approve"):
        runs.complete(run, "look", outcome=outcome, comment="so")

    result = run.result(timeout=0)
    assert (result.approved, len({one.user for one in result.reviewers})) == (True, 3)


def asks_for(name):
    @workflow(name=name)
    async def asks(ctx: Context) -> object:
        return await human_task(ctx, "look", type=name, assign_to="team")

    return asks
