"""Text that a pattern matches: found without being told any."""

from __future__ import annotations

import re

import pytest

from orchestrator.ai.stub.patterns import matching


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\d{3}-[A-F]{2}$",
        r"^(?:red|green|blue)( \w+)?$",
        r"^[^\W\d_]{5}$",
        r"^(?P<quote>['\"])\w+(?P=quote)$",
        r"^(?=.*\d)\w{8,}$",
        r"^(?!a)[ab]$",
        r"\bword\b",
        r"^[^a]b.\S\D\s$",
        r"^[\u0400-\u0410]+?$",
        r"^(?>ab)++c*$",
        r"^(?i:x)$|^y{2,}$",
        "",
    ],
)
def test_the_text_has_the_pattern_and_is_the_same_each_time(pattern):
    text = matching(pattern, shortest=0, longest=100, seed=7)

    assert re.search(pattern, text)
    assert text == matching(pattern, shortest=0, longest=100, seed=7)


@pytest.mark.parametrize(("shortest", "longest"), [(40, 60), (1, 1), (12, 12)])
def test_its_length_is_within_the_bounds(shortest, longest):
    text = matching("^[a-z]+$", shortest=shortest, longest=longest, seed=1)

    assert shortest <= len(text) <= longest


def test_another_seed_gives_another_text():
    assert len({matching("^[a-z]{4}$", shortest=0, longest=9, seed=one) for one in range(20)}) > 10


@pytest.mark.parametrize(
    "pattern",
    [
        "^a{5}$",  # too long
        r"^\w\b\w$",  # no such text
        r"^\p{L}$",  # not in this language
    ],
)
def test_there_is_none_for_what_cannot_be(pattern):
    assert matching(pattern, shortest=0, longest=4, seed=1) is None
