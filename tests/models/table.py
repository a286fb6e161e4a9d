"""What comes of each model and of each way to weaken it.

The protocol as it is must hold in every interleaving. Each weakened form must fail: one that
does not would say that the model cannot see what its guard is for. A few forms hold although
something was taken away, because another guard does the same; they are here to say so.
"""

from __future__ import annotations

from dataclasses import dataclass

HOLDS, FAILS = "holds", "fails"


@dataclass(frozen=True, slots=True)
class Variant:
    """A model with these macros defined, and what a search of all its states finds."""

    model: str
    macros: str
    outcome: str
    why: str

    def __str__(self) -> str:
        return f"{self.model} {self.macros}".strip()


def _of(model: str, *variants: tuple[str, str, str]) -> list[Variant]:
    return [Variant(model, *variant) for variant in variants]


VARIANTS = [
    *_of(
        "tick",
        ("", HOLDS, "the protocol"),
        ("WORKERS=3 EVENTS=1", HOLDS, "the protocol with three workers"),
        ("NAIVE_PARK", FAILS, "an event between the look and the park is slept over"),
        ("LATE_SNAPSHOT", FAILS, "the counter is read after the mailbox"),
        ("NO_FENCE", FAILS, "a stale worker parks the run of the one that has it"),
        ("NO_FENCE NO_UNIQUE", FAILS, "a step is recorded twice"),
        ("NO_UNIQUE", HOLDS, "the fence alone suffices; the constraint is a second lock"),
        ("NO_OWNED", HOLDS, "the epoch alone suffices; `owned` says whether a death is counted"),
        ("ONE_EPOCH", FAILS, "two claims with one token are not fenced from each other"),
        ("JOURNAL_BEFORE_CLAIM", FAILS, "what was recorded since is asked for again"),
        ("EVENT_AND_WAKE_APART", FAILS, "a death between event and wake loses the wake"),
        (
            "WAKE_OF_THE_HELD",
            HOLDS,
            "a held run that an event frees is taken over: slow, not wrong",
        ),
        ("NO_SWEEP", FAILS, "a run whose hint was lost is never found"),
        ("SWEEP_OF_LEASES_ONLY", FAILS, "a parked run whose hint was lost is never found"),
    ),
    *_of(
        "effects",
        ("", HOLDS, "the protocol"),
        ("CHECK_WITHOUT_LOCK", FAILS, "a record lands after a cancel or a take-over"),
        ("ATOMIC_WITHOUT_TRANSACTION", FAILS, "an effect commits without its record"),
        ("ATOMIC_WITHOUT_FENCE", FAILS, "a stale worker commits its writes"),
        ("NO_INTENT", FAILS, "a step that is done at most once is done twice"),
    ),
    *_of(
        "handed_out",
        ("", HOLDS, "the protocol"),
        ("NO_FENCE", FAILS, "two workers report one step"),
        ("REPORT_IN_TWO", FAILS, "a death between the task's end and its report loses the report"),
        ("REPORT_WAKES_NOBODY", FAILS, "a report while the run parks is slept over"),
    ),
    *_of(
        "human_task",
        ("", HOLDS, "the protocol"),
        ("LOOK_THEN_SAVE", FAILS, "two people decide one task"),
        ("DECISION_AND_EVENT_APART", FAILS, "a task is done and its run never hears of it"),
        ("OPENED_OUTSIDE_THE_RECORD", FAILS, "a cancelled run has an open task"),
        ("CANCEL_NOT_HEEDED", FAILS, "a task opens in a run whose cancel the body does not know"),
        ("CANCEL_IN_TWO", FAILS, "a death between cancel and withdrawal leaves the task open"),
    ),
    *_of(
        "timeout",
        ("", HOLDS, "the protocol"),
        ("NOT_RECORDED", FAILS, "a replay takes the other branch"),
        ("NO_CONDITION", FAILS, "a stale worker records over the other's decision"),
        ("NO_LAST_LOOK", FAILS, "a timeout overrules an event that was there"),
    ),
    *_of(
        "broadcast",
        ("", HOLDS, "the protocol"),
        ("NO_SWEEP", FAILS, "what a worker that died has not delivered is lost"),
        ("NO_SWEEP DEATHS=0", HOLDS, "the sweep is there for deaths alone"),
        ("NO_SWEEP DEATHS=0 RUN_DOES_NOT_LOOK", FAILS, "an event before the wait is missed"),
        ("NO_SWEEP DEATHS=0 ONE_TRANSACTION_EACH", FAILS, "neither sees what the other commits"),
    ),
    *_of(
        "fan_in",
        ("", HOLDS, "the protocol"),
        ("LAST_ONE_WAKES", FAILS, "each believes that another is last"),
        ("PARK_WITHOUT_COUNTER", FAILS, "the last end comes while the run parks"),
    ),
]
