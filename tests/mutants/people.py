"""Mutants of what guards people's tasks: one decision, by one who may, known to the run."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

DECIDING = "humantasks.inbox.deciding"
CHANGING = "humantasks.inbox.changing"
RECORDING = "humantasks.inbox.recording"
TESTS = "tests/humantasks"

MUTANTS = (
    Mutant(
        name="claim_of_a_claimed_task",
        harm="who comes second takes the task from who has it",
        module="humantasks.inbox.claiming",
        takes="HumanTask.objects.answerable_by(user).filter(status=Status.READY)",
        puts="HumanTask.objects.answerable_by(user)",
        killer=f"{TESTS}/test_claiming.py::test_who_comes_second_learns_who_was_first_and_when",
    ),
    Mutant(
        name="decision_by_who_does_not_hold_it",
        harm="a person decides a task that another has",
        module=DECIDING,
        takes="    else:\n        must_hold(now, user)\n",
        puts="",
        killer=f"{TESTS}/test_deciding.py::test_a_task_that_another_holds_is_not_completed",
    ),
    Mutant(
        name="form_that_is_not_recognised",
        harm="a double click is told that somebody else was faster",
        module=DECIDING,
        takes="TaskDecision.objects.filter(task=now, submission_id=submission_id).first()",
        puts="None",
        killer=f"{TESTS}/test_races.py::test_a_double_click_is_one_decision_and_all_replies_agree",
    ),
    Mutant(
        name="decision_about_old_data",
        harm="a person decides about data that was changed since they saw it",
        module=CHANGING,
        takes="if data_rev is not None and data_rev != task.data_rev:",
        puts="if False:",
        killer=f"{TESTS}/test_deciding.py::test_a_form_that_was_made_from_old_data_is_stale",
    ),
    Mutant(
        name="decision_by_who_may_not",
        harm="who held both tasks before decides both, where four eyes are asked for",
        module=CHANGING,
        takes="    if refusal is not None:\n        raise refusal\n",
        puts="",
        killer=f"{TESTS}/test_duties.py::test_who_holds_both_can_decide_one",
    ),
    Mutant(
        name="two_eyes_are_enough",
        harm="who decides one of two tasks that are open is not kept from deciding the other",
        module=RECORDING,
        takes="        _exclude_from_others(task, user)\n",
        puts="",
        killer=f"{TESTS}/test_duties.py::test_who_holds_both_can_decide_one",
    ),
    Mutant(
        name="decision_that_the_run_never_hears_of",
        harm="a decision commits, and a death after it keeps the run from hearing of it",
        module=RECORDING,
        takes="if not waits.answer(task.run_id, task.key, "
        "_result(task, decision, answer, entry, made)):",
        puts="from django.db import transaction\n"
        "    result = _result(task, decision, answer, entry, made)\n"
        "    told = lambda: waits.answer(task.run_id, task.key, result)\n"
        "    if transaction.on_commit(told) is not None:",
        killer=f"{TESTS}/test_deciding.py::test_nothing_is_written_when_the_engine_cannot_be_told",
    ),
    Mutant(
        name="check_by_who_proposed",
        harm="where two people must look, one proposes and approves",
        module="humantasks.inbox.seats",
        takes="    if refusal := refusing.not_reviewer(task, user):\n        raise refusal\n"
        "    if of(task, user) is not None:",
        puts="    if of(task, user) is not None:",
        killer=f"{TESTS}/test_four_eyes.py::test_who_proposed_cannot_check",
    ),
    Mutant(
        name="two_votes_of_one_person",
        harm="who changes their mind is counted twice, and a quorum is one person",
        module="humantasks.inbox.voting",
        takes="kind=TaskDecision.Kind.VOTE, superseded_at=None\n    )",
        puts="kind=TaskDecision.Kind.VOTE\n    )",
        killer=f"{TESTS}/test_quorum.py::test_one_person_has_one_voice",
    ),
    Mutant(
        name="vote_that_does_not_stand",
        harm="a vote is changed where the type says that it stands",
        module=DECIDING,
        takes="        voting.must_have_voice(now, user)\n",
        puts="        pass\n",
        killer=f"{TESTS}/test_quorum.py::test_a_type_may_let_a_vote_stand",
    ),
    Mutant(
        name="task_of_a_cancelled_run",
        harm="a run is cancelled, and its task stays in the inbox",
        module="orchestrator.store.control",
        takes="    _withdraw_waits(run_id, note, by)\n    steps.withdraw(run_id)\n",
        puts="    steps.withdraw(run_id)\n",
        killer=f"{TESTS}/test_claiming.py::test_a_claim_that_comes_after_a_cancel_is_told_so",
    ),
)
