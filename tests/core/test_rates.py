"""Rates, as authors write them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator.core.rates import parse_rate


@pytest.mark.parametrize(
    ("text", "count", "seconds"),
    [
        ("100/m", 100, 60),
        ("5/s", 5, 1),
        ("1 / h", 1, 3600),
        ("1000/15m", 1000, 900),
        ("9/.5s", 9, 0.5),
    ],
)
def test_a_rate_is_so_many_in_so_long(text, count, seconds):
    rate = parse_rate(text)

    assert (rate.count, rate.window) == (count, timedelta(seconds=seconds))
    assert str(rate) == text


@pytest.mark.parametrize(
    "text", ["", "100", "m", "100/", "/m", "-1/m", "1.5/m", "100/fortnight", 5, None]
)
def test_anything_else_is_no_rate(text):
    with pytest.raises(ValueError, match=r"not a (rate|duration)"):
        parse_rate(text)


@pytest.mark.parametrize("text", ["0/m", "10001/m", "1/2mo", "1/0s"])
def test_a_rate_has_bounds(text):
    with pytest.raises(ValueError, match="a rate is 1 to 10,000 in at most 31 days"):
        parse_rate(text)
