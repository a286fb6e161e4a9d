"""Mutants of what guards steps that were handed out to any worker."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

RUNS = "orchestrator.store.postgresql"
STEPS = "orchestrator.store.postgresql_steps"
ORM = "orchestrator.store.steps"
TESTS = "tests/orchestrator/remote"

MUTANTS = (
    Mutant(
        name="report_without_fence",
        harm="a worker that lost its step reports a result for it",
        module=STEPS,
        takes="WHERE task.run_id = %(run)s AND task.epoch = ended.epoch AND task.owned",
        puts="WHERE task.run_id = %(run)s AND task.owned",
        killer=f"{TESTS}/test_races.py::test_a_worker_that_lost_its_step_reports_nothing[True]",
    ),
    Mutant(
        name="step_heartbeat_without_fence",
        harm="a worker that lost its step keeps the lease of the one that has it now",
        module=STEPS,
        takes="WHERE task.epoch = held.epoch AND task.owned",
        puts="WHERE task.owned",
        killer=f"{TESTS}/test_fences.py::test_a_worker_that_lost_its_step_does_not_keep_it",
    ),
    Mutant(
        name="step_claimed_without_lock",
        harm="two workers that look at the same moment both execute the step",
        module=STEPS,
        takes='    ORDER BY task.rank_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED\n"""',
        puts='    ORDER BY task.rank_at LIMIT %(limit)s\n"""',
        killer=f"{TESTS}/test_races.py"
        "::test_two_workers_that_look_at_once_do_not_take_the_same_step[True]",
    ),
    Mutant(
        name="step_crashes_not_counted",
        harm="a step that kills its workers kills the next one, for ever",
        module=STEPS,
        takes="crashes = task.crashes + task.owned::int",
        puts="crashes = task.crashes",
        killer=f"{TESTS}/test_fences.py::test_a_step_counts_the_workers_that_died_with_it",
    ),
    Mutant(
        name="report_that_wakes_nobody",
        harm="a step ends while its run goes to sleep, and the run never hears of it",
        module=STEPS,
        takes="wake_seq = run.wake_seq + counted.number",
        puts="wake_seq = run.wake_seq",
        killer=f"{TESTS}/test_fences.py"
        "::test_a_report_that_comes_while_the_run_parks_is_not_slept_over",
    ),
    Mutant(
        name="handed_out_beside_the_fence",
        harm="a driver that lost its run hands out steps of it",
        module=RUNS,
        takes="JOIN fence ON fence.id = new.run_id\n"
        "    ON CONFLICT (run_id, key) DO UPDATE SET number",
        puts="LEFT JOIN fence ON true\n    ON CONFLICT (run_id, key) DO UPDATE SET number",
        killer=f"{TESTS}/test_races.py::test_a_driver_that_lost_its_run_hands_nothing_out[True]",
    ),
    Mutant(
        name="cancel_without_lock",
        harm="a cancel takes back a step that a worker takes at that moment",
        module=ORM,
        takes="return ordered.select_for_update() if is_postgresql() else ordered",
        puts="return ordered",
        killer=f"{TESTS}/test_races.py"
        "::test_a_cancel_does_not_take_back_what_is_taken_at_that_moment[True]",
    ),
    Mutant(
        name="cancel_that_leaves_steps",
        harm="steps of a cancelled run are executed after the cancel",
        module="orchestrator.store.control",
        takes="    _withdraw_waits(run_id, note, by)\n    steps.withdraw(run_id)\n",
        puts="    _withdraw_waits(run_id, note, by)\n",
        killer=f"{TESTS}/test_ends.py"
        "::test_a_cancel_withdraws_what_nobody_executes_in_its_own_transaction",
    ),
    Mutant(
        name="pause_that_holds_no_step",
        harm="workers go on to take the steps of a paused run",
        module="orchestrator.store.control",
        takes="    steps.hold(run_id)\n",
        puts="",
        killer=f"{TESTS}/test_ends.py::test_nobody_takes_a_step_of_a_paused_run",
    ),
)
