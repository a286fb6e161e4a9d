"""Retry policies: which failures are tried again, how often, and after how long."""

from __future__ import annotations

import asyncio
import math
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.errors import (
    NestedStep,
    NonRetryable,
    NotSerializable,
    PayloadTooLarge,
    StepTimeout,
)
from orchestrator.core.retry import Retry


def seconds(retry: Retry, attempts: int = 6) -> list[float]:
    return [retry.delay(attempt).total_seconds() for attempt in range(1, attempts + 1)]


# ---- which ---------------------------------------------------------------------------


def test_attempts_count_the_first_one():
    retry = Retry(max_attempts=3)

    assert [retry.allows(ValueError(), attempt) for attempt in (1, 2, 3, 4)] == [
        True,
        True,
        False,
        False,
    ]


def test_one_attempt_is_no_retry():
    assert not Retry(max_attempts=1).allows(ValueError(), 1)


@pytest.mark.parametrize(
    "error", [NonRetryable("no"), NotSerializable("no"), PayloadTooLarge("no"), NestedStep("no")]
)
def test_what_cannot_succeed_is_never_tried_again(error):
    assert not Retry(max_attempts=9, retry_on=(BaseException,)).allows(error, 1)


def test_a_subclass_of_nonretryable_is_not_tried_again_either():
    class CardDeclined(NonRetryable):
        pass

    assert not Retry().allows(CardDeclined(), 1)


def test_only_what_is_listed_is_tried_again():
    retry = Retry(retry_on=(ConnectionError, StepTimeout))

    assert retry.allows(ConnectionResetError(), 1)
    assert retry.allows(StepTimeout(), 1)
    assert not retry.allows(ValueError(), 1)


def test_giving_up_wins_over_trying_again():
    retry = Retry(retry_on=(LookupError,), give_up_on=(KeyError,))

    assert retry.allows(IndexError(), 1)
    assert not retry.allows(KeyError(), 1)


@pytest.mark.parametrize("error", [SystemExit(), KeyboardInterrupt(), asyncio.CancelledError()])
def test_what_is_no_exception_is_not_tried_again_unless_listed(error):
    assert not Retry().allows(error, 1)
    assert Retry(retry_on=(BaseException,)).allows(error, 1)


@pytest.mark.parametrize("option", ["retry_on", "give_up_on"])
@pytest.mark.parametrize("wrong", [[ValueError], "ValueError", (ValueError(),)], ids=repr)
def test_classes_of_errors_are_checked_when_the_policy_is_made(option, wrong):
    """Or isinstance raises when the step has failed, in the thread that drives all runs."""
    with pytest.raises((TypeError, ValueError), match=option):
        Retry(**{option: wrong})


# ---- how long ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("retry", "expected"),
    [
        (Retry(jitter=False), [1, 2, 4, 8, 16, 30]),
        (Retry(jitter=False, factor=3, max_delay="1h"), [1, 3, 9, 27, 81, 243]),
        (Retry(jitter=False, backoff="linear", initial_delay=2, max_delay=9), [2, 4, 6, 8, 9, 9]),
        (Retry(jitter=False, backoff="constant", initial_delay="5s"), [5] * 6),
        (Retry(jitter=False, initial_delay=0), [0] * 6),
        (Retry(jitter=False, initial_delay="1m", max_delay="10s"), [10] * 6),
        (Retry(jitter=False, factor=1.0), [1] * 6),
    ],
)
def test_the_delays_of_each_backoff(retry, expected):
    assert seconds(retry) == expected


def test_jitter_takes_between_half_and_all_of_the_delay():
    retry = Retry(initial_delay=8, backoff="constant")

    delays = {retry.delay(1).total_seconds() for _ in range(200)}

    assert 4 <= min(delays) < 5
    assert 7 < max(delays) <= 8


@pytest.mark.parametrize("factor", [2.0, 1e5, 1e300])
def test_the_thousandth_delay_is_the_longest(factor):
    retry = Retry(max_attempts=1_000, factor=factor, jitter=False)

    assert retry.delay(999) == timedelta(seconds=30)


@settings(max_examples=40)
@given(
    policy=st.fixed_dictionaries(
        {
            "backoff": st.sampled_from(["exponential", "linear", "constant"]),
            "initial_delay": st.floats(0, 1e6),
            "max_delay": st.floats(0, 1e6),
            "factor": st.floats(1, 1e308),
            "jitter": st.booleans(),
        }
    ),
    attempt=st.integers(1, 999),
)
def test_any_policy_gives_a_delay_within_its_bounds(policy, attempt):
    retry = Retry(max_attempts=1_000, **policy)

    assert timedelta(0) <= retry.delay(attempt) <= timedelta(seconds=policy["max_delay"])


def test_delays_never_shrink():
    delays = seconds(Retry(jitter=False, factor=1.3, max_delay="10m"), 60)

    assert all(first <= then for first, then in pairwise(delays))


# ---- what is refused -----------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"max_attempts": 0},
        {"max_attempts": -1},
        {"max_attempts": 1_001},
        {"max_attempts": 2.5},
        {"backoff": "fibonacci"},
        {"factor": 0.5},
        {"factor": math.nan},
        {"factor": math.inf},
        {"initial_delay": "soon"},
        {"initial_delay": -1},
        {"max_delay": "1"},
        {"max_delay": math.inf},
    ],
    ids=repr,
)
def test_a_policy_that_cannot_work_is_refused_when_it_is_made(options):
    with pytest.raises((TypeError, ValueError)):
        Retry(**options)
