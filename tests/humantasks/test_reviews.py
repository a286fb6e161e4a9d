"""How votes are counted: plain arithmetic."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from humantasks import Outcome, Quorum
from humantasks.reviews import as_stored, check, from_stored, tally

YES, NO, LATER = Outcome("yes", positive=True), Outcome("no"), Outcome("later")
WAYS = [YES, NO, LATER]


def count(quorum, *votes, ways=WAYS):
    found = tally(quorum, ways, votes)
    return (found.outcome, found.is_tie)


@pytest.mark.parametrize(
    ("quorum", "votes", "outcome"),
    [
        (Quorum(2, of=3), "", None),
        (Quorum(2, of=3), "yes", None),
        (Quorum(2, of=3), "yes no", None),
        (Quorum(2, of=3), "yes yes", "yes"),
        (Quorum(2, of=3), "yes no yes", "yes"),
        (Quorum(2, of=3), "no no", "no"),
        (Quorum(3, of=3), "yes yes", None),
        (Quorum(1, of=2), "yes", "yes"),
        (Quorum(2, of=3, veto=1), "yes no", "no"),
        (Quorum(2, of=3, veto=1), "yes yes", "yes"),
        (Quorum(3, of=5, veto=2), "no yes later", "no"),
    ],
)
def test_an_outcome_is_certain_or_not(quorum, votes, outcome):
    assert count(quorum, *votes.split()) == (outcome, False)


@pytest.mark.parametrize(
    ("quorum", "votes", "outcome"),
    [
        (Quorum(3, of=3), "yes no", "no"),
        (Quorum(2, of=2), "yes no", "no"),
        (Quorum(2, of=3, on_tie="later"), "yes no later", "later"),
        (Quorum(3, of=4, on_tie="later"), "yes yes no no", "later"),
    ],
)
def test_when_nothing_can_get_there_any_more_it_is_a_tie(quorum, votes, outcome):
    assert count(quorum, *votes.split()) == (outcome, True)


def test_the_order_of_the_votes_changes_nothing():
    quorum = Quorum(3, of=5, veto=2)
    votes = ("yes", "yes", "no", "later")

    assert {count(quorum, *some) for some in permutations(votes)} == {("no", False)}


@given(st.data())
def test_votes_always_come_to_an_end_and_never_to_consent_without_enough(data):
    of = data.draw(st.integers(2, 6))
    quorum = Quorum(
        data.draw(st.integers(1, of)), of=of, veto=data.draw(st.none() | st.integers(1, of))
    )
    votes = data.draw(st.lists(st.sampled_from(["yes", "no", "later"]), min_size=of, max_size=of))

    found = tally(quorum, WAYS, votes)

    assert found.outcome is not None
    if found.outcome == "yes":
        assert votes.count("yes") >= quorum.needed
        assert not found.is_tie


@pytest.mark.parametrize("quorum", [Quorum(2, of=3), Quorum(2, of=5, veto=1, blind=True)])
def test_a_quorum_is_read_as_it_was_stored(quorum):
    assert from_stored(as_stored(quorum), None) == quorum


@pytest.mark.parametrize(
    "options",
    [
        {"needed": 4, "of": 3},
        {"needed": 0, "of": 3},
        {"needed": 1, "of": 1},
        {"needed": 2, "of": 26},
        {"needed": 2, "of": 3, "veto": 0},
        {"needed": 2, "of": 3, "veto": 4},
    ],
)
def test_numbers_that_cannot_be_are_refused(options):
    with pytest.raises(ValueError, match=r"votes|people"):
        Quorum(options.pop("needed"), **options)


def test_even_votes_are_no_consent():
    with pytest.raises(ValueError, match="never mean consent"):
        check(Quorum(2, of=2, on_tie="yes"), WAYS)
    with pytest.raises(ValueError, match="needs an outcome that is not positive"):
        check(Quorum(2, of=2), [YES])
