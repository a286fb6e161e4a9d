"""The mutants: what each takes away, the harm that follows, and the test that notices it."""

from __future__ import annotations

from tests.mutants import people, remote
from tests.mutants.mutant import Mutant

RUNS = "orchestrator.store.postgresql"
CLAIMS = "orchestrator.store.postgresql_claims"
RACES = "tests/orchestrator/test_races.py"
FENCES = "tests/orchestrator/test_fences.py"
CONFORMANCE = "tests/conformance"

HELD = (
    Mutant(
        name="no_fence",
        harm="a worker that was thought dead writes over the one that has the run now",
        module=RUNS,
        takes="WHERE run.id = want.id AND run.epoch = want.epoch AND run.owned",
        puts="WHERE run.id = want.id AND run.owned",
        killer=f"{RACES}::test_a_worker_that_lost_its_run_writes_nothing[True]",
    ),
    Mutant(
        name="one_epoch_for_all_claims",
        harm="two claims of one run have the same token, so neither is fenced from the other",
        module=CLAIMS,
        takes="epoch = run.epoch + 1, crashes",
        puts="epoch = greatest(run.epoch, 1), crashes",
        killer=f"{RACES}::test_a_worker_that_lost_its_run_writes_nothing[True]",
    ),
    Mutant(
        name="journal_beside_the_fence",
        harm="the fence holds for the run, while its journal is written all the same",
        module=RUNS,
        takes="JOIN fence ON fence.id = new.run_id\n"
        "    ON CONFLICT (run_id, key) DO UPDATE SET seq",
        puts="LEFT JOIN fence ON true\n    ON CONFLICT (run_id, key) DO UPDATE SET seq",
        killer=f"{FENCES}::test_a_worker_that_lost_its_run_records_no_step",
    ),
    Mutant(
        name="a_record_is_changed",
        harm="a step that has a result gets another one",
        module=RUNS,
        takes="    WHERE known.seq IS NULL\n",
        puts="",
        killer=f"{FENCES}::test_a_result_that_is_recorded_stays",
    ),
    Mutant(
        name="heartbeat_without_fence",
        harm="a worker that was thought dead keeps the lease of the one that has the run now",
        module=RUNS,
        takes="WHERE run.id = mine.id AND run.epoch = mine.epoch AND run.owned",
        puts="WHERE run.id = mine.id AND run.owned",
        killer=f"{FENCES}::test_a_worker_that_lost_its_run_hears_so_from_its_heartbeat",
    ),
    Mutant(
        name="claim_without_lock",
        harm="two workers that look at the same moment both take the run",
        module=CLAIMS,
        takes="LIMIT %(limit)s FOR UPDATE SKIP LOCKED\n    ) oldest",
        puts="LIMIT %(limit)s\n    ) oldest",
        killer=f"{RACES}::test_two_workers_that_look_at_once_do_not_take_the_same_run",
    ),
    Mutant(
        name="blocked_run_taken_without_lock",
        harm="two workers with other code both carry on a blocked run",
        module=CLAIMS,
        takes="FOR UPDATE OF run SKIP LOCKED",
        puts="",
        killer="tests/orchestrator/test_stranded_races.py"
        "::test_two_workers_with_other_code_do_not_both_take_a_blocked_run[True]",
    ),
    Mutant(
        name="crashes_not_counted",
        harm="a run that kills its workers kills the next one, for ever",
        module=CLAIMS,
        takes="crashes = run.crashes + run.owned::int",
        puts="crashes = run.crashes",
        killer="tests/orchestrator/test_crashes.py::test_a_run_that_kills_its_workers_is_set_aside",
    ),
    Mutant(
        name="heart_without_doubt",
        harm="steps are started under leases that have run out",
        module="orchestrator.engine.heart",
        takes="return time.monotonic() - self._last < seconds * 2 / 3",
        puts="return True",
        killer=f"{FENCES}::test_a_heart_that_could_not_beat_for_most_of_a_lease_is_not_trusted",
    ),
)

WOKEN = (
    Mutant(
        name="naive_park",
        harm="a run sleeps over the event that came while it went to sleep",
        module=RUNS,
        takes="WHEN run.wake_seq > want.wake_seq THEN {now} ELSE want.due_at END",
        puts="ELSE want.due_at END",
        killer=f"{RACES}::test_an_event_that_comes_while_the_run_parks_is_not_slept_over[True]",
    ),
    Mutant(
        name="late_snapshot",
        harm="the mailbox is read first and then the counter: what came between is slept over",
        module="orchestrator.engine.intake",
        takes="""        failpoints.hit("after_load", [claim.run_id for claim in claims])
""",
        puts="""        failpoints.hit("after_load", [claim.run_id for claim in claims])
        from dataclasses import replace
        claims = [replace(one, wake_seq=ticks.peek(one).wake_seq) for one in claims]
""",
        killer=f"{FENCES}::test_an_event_that_comes_after_the_mailbox_was_read_is_not_slept_over",
    ),
    Mutant(
        name="an_event_frees_a_run_that_is_held",
        harm="an event makes a run due that a worker holds, so another takes it meanwhile",
        module=RUNS,
        takes="due_at = CASE WHEN owned OR status IN ('scheduled', 'paused', 'blocked')",
        puts="due_at = CASE WHEN status IN ('scheduled', 'paused', 'blocked')",
        killer=f"{FENCES}::test_an_event_takes_a_run_from_nobody",
    ),
    Mutant(
        name="an_event_to_the_dead",
        harm="who sends to a run that has ended is told that it was delivered",
        module=RUNS,
        takes="""
            THEN due_at ELSE {now} END
    WHERE id = %(run)s AND status NOT IN ({final}) AND {has_room}""",
        puts=""" OR status IN ({final})
            THEN due_at ELSE {now} END
    WHERE id = %(run)s AND {has_room}""",
        killer=f"{CONFORMANCE}/test_events.py::test_an_event_to_a_run_that_has_ended_says_so",
    ),
    Mutant(
        name="an_event_taken_twice",
        harm="one event ends two waits",
        module=RUNS,
        takes=" AND event.consumed_at IS NULL\n)",
        puts="\n)",
        killer=f"{FENCES}::test_an_event_that_a_wait_has_taken_stays_its_own",
    ),
    Mutant(
        name="timeout_without_a_last_look",
        harm="a wait times out although its event came before the timeout was recorded",
        module=RUNS,
        takes="\n        AND (run.wake_seq = want.wake_seq OR NOT want.heeds_mail)",
        puts="",
        killer=f"{RACES}::test_an_event_that_beats_a_timeout_is_never_overruled_by_it[True]",
    ),
    Mutant(
        name="broadcast_only_to_who_waits_already",
        harm="a run that begins to wait at the moment of a broadcast misses it",
        module="orchestrator.store.broadcasts",
        takes="kept = _kept().filter(name__in=list(names)).order_by",
        puts="kept = _kept().none().order_by",
        killer="tests/orchestrator/test_broadcasts.py"
        "::test_a_run_that_begins_to_wait_soon_gets_it_too",
        error="RunTimeout",
    ),
    Mutant(
        name="broadcast_without_sweep",
        harm="what a worker that died has not delivered is never delivered",
        module="orchestrator.store.broadcasts",
        takes="[wait.run_id for wait in waits if _deliver(event, wait) is not None]",
        puts="[]",
        killer="tests/orchestrator/test_broadcasts.py"
        "::test_what_a_dead_worker_did_not_deliver_is_delivered_by_the_sweep",
        error="RunTimeout",
    ),
    Mutant(
        name="child_that_does_not_answer",
        harm="a child ends, and its parent waits for ever",
        module="orchestrator.store.sides",
        takes="            _answer_parent(save, save.then)\n",
        puts="",
        killer=f"{CONFORMANCE}/test_children.py::test_a_parent_goes_on_when_its_child_has_ended",
        error="RunTimeout",
    ),
    Mutant(
        name="place_that_is_not_given_back",
        harm="a run ends with its permit, and those behind it wait for ever",
        module="orchestrator.store.sides",
        takes="            permits.release(save.claim.run_id)\n",
        puts="",
        killer="tests/orchestrator/test_control.py::test_so_many_runs_are_in_progress_at_once",
    ),
    Mutant(
        name="place_that_nobody_is_told_of",
        harm="a place is free, and the run that waits for it sleeps",
        module="orchestrator.store.permits",
        takes="    if first is not None:\n",
        puts="    if False:\n",
        killer="tests/orchestrator/test_control.py::test_so_many_runs_are_in_progress_at_once",
    ),
    Mutant(
        name="more_than_there_are_places_for",
        harm="more runs of a key are in progress than its limit says",
        module="orchestrator.engine.intake",
        takes="if ticks.take_permit(claim.run_id, claim.concurrency_key, limit):",
        puts="if True:",
        killer="tests/orchestrator/test_control.py::test_so_many_runs_are_in_progress_at_once",
    ),
)

DECIDED_ONCE = (
    Mutant(
        name="cancel_that_the_body_does_not_know",
        harm="a task is opened in a run that is being cancelled, and stays open",
        module=RUNS,
        takes="\n        AND (run.cancel_requested_at IS NULL OR NOT want.heeds_cancel)",
        puts="",
        killer=f"{RACES}::test_nothing_opens_in_a_run_whose_cancel_the_body_does_not_know[True]",
    ),
    Mutant(
        name="cancel_of_a_run_that_has_ended",
        harm="a completed run is made due again, if no constraint of the database forbade it",
        module="orchestrator.store.control",
        takes="cancel_requested_at=None).exclude(\n        status__in=FINAL\n    )",
        puts="cancel_requested_at=None)",
        killer=f"{CONFORMANCE}/test_cancel.py"
        "::test_a_run_that_has_ended_is_not_cancelled_and_says_so",
        error="IntegrityError",
    ),
    Mutant(
        name="key_for_any_input",
        harm="a start with a known key and another input gets the old run in silence",
        module="orchestrator.store.runs",
        takes="    if not is_same:\n",
        puts="    if False:\n",
        killer=f"{CONFORMANCE}/test_starts.py::test_a_key_with_another_input_is_a_conflict",
    ),
    Mutant(
        name="time_decided_by_all",
        harm="each worker that sees a schedule's time counts a run for it",
        module="orchestrator.store.schedules",
        takes="rev=row.rev",
        puts="rev__isnull=False",
        killer="tests/orchestrator/test_schedule_races.py"
        "::test_a_time_that_all_workers_see_is_fired_once[True-True]",
    ),
    Mutant(
        name="atomic_step_without_transaction",
        harm="an atomic step that fails leaves half of its writes behind",
        module="orchestrator.engine.executor",
        takes="        with transaction.atomic(using=ALIAS):\n            value",
        puts="        if True:\n            value",
        killer=f"{CONFORMANCE}/test_steps_done_once.py"
        "::test_an_atomic_step_that_fails_leaves_nothing_behind",
    ),
    Mutant(
        name="atomic_step_without_fence",
        harm="an atomic step of a worker that lost its run commits its writes all the same",
        module="orchestrator.engine.driver",
        takes="if not ticks.save([save], worker=self._worker):",
        puts="if ticks.save([save], worker=self._worker) is None:",
        killer=f"{FENCES}::test_an_atomic_step_of_a_worker_that_lost_its_run_leaves_nothing_behind",
    ),
    Mutant(
        name="step_without_intent",
        harm="a step that must be done at most once is done again after a death",
        module="orchestrator.engine.live",
        takes="self._draft.save.opened += self._pending.intents(self._body.now)",
        puts="self._pending.intents(self._body.now)",
        killer=f"{CONFORMANCE}/test_steps_done_once.py"
        "::test_a_step_is_not_done_again_when_its_worker_died_in_the_middle",
    ),
    Mutant(
        name="replay_that_is_not_checked",
        harm="changed code waits for something else, under the name of what the journal has open",
        module="orchestrator.engine.pending",
        takes="if known is not None and known.kind != command.kind:",
        puts="if False:",
        killer=f"{CONFORMANCE}/test_determinism.py"
        "::test_code_that_contradicts_the_journal_blocks_the_run"
        "[other_kind-expected_and_got4]",
    ),
    Mutant(
        name="what_a_failed_replay_said_is_kept",
        harm="an action that was taken out and given back is lost behind a checkpoint",
        module="orchestrator.engine.live",
        takes="        if self._is_replayed:\n            return self._take(",
        puts="        if True:\n            return self._take(",
        killer="tests/orchestrator/test_machine_deploys.py"
        "::test_an_action_that_is_taken_out_while_it_is_retried_blocks_until_it_is_back[on_enter]",
    ),
)

MUTANTS = (*HELD, *WOKEN, *DECIDED_ONCE, *remote.MUTANTS, *people.MUTANTS)
