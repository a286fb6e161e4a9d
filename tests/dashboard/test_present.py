"""The words for statuses, lengths of time and values; the examples of the modules are run too."""

from __future__ import annotations

import doctest
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from dashboard import axis, timeline
from humantasks import present
from orchestrator import moments

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
RUN_STATUSES = (
    "scheduled pending running waiting awaiting_retry paused blocked completed failed cancelled"
)
TASK_STATUSES = "ready claimed paused in_review completed expired withdrawn skipped failed"


def show(source: str, **values: object) -> str:
    return Template("{% load orchestrator_ui %}" + source).render(Context(values))


@pytest.mark.parametrize("module", [axis, moments, present, timeline])
def test_the_examples_in_the_docstrings_are_true(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


@pytest.mark.parametrize("looks", [present.RUN_LOOKS, present.TASK_LOOKS, present.WAIT_LOOKS])
def test_statuses_of_one_kind_differ_in_word_and_icon(looks: dict[str, present.Look]) -> None:
    different = set(looks.values())
    assert len({look.word for look in different}) == len(different)
    assert len({look.icon for look in different}) == len(different)


def test_every_status_has_a_look() -> None:
    assert set(RUN_STATUSES.split()) == present.RUN_LOOKS.keys()
    assert set(TASK_STATUSES.split()) == present.TASK_LOOKS.keys()


def test_every_icon_is_in_the_sprite() -> None:
    sprite = (Path(__file__).parents[2] / "static/orchestrator/icons.svg").read_text()
    looks = (
        *present.RUN_LOOKS.values(),
        *present.TASK_LOOKS.values(),
        *present.WAIT_LOOKS.values(),
    )
    for look in (*looks, *present.KIND_LOOKS.values()):
        assert f'<symbol id="{look.icon}"' in sprite


@given(st.floats(min_value=-1e6, max_value=1e9, allow_nan=False))
def test_a_duration_is_never_negative_and_never_overflows_its_unit(seconds: float) -> None:
    text = present.duration(seconds)
    assert not text.startswith("-")
    assert "60 s" not in text
    assert "60.0 s" not in text
    assert "1000 ms" not in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.9996, "1.0 s"),
        (59.94, "59.9 s"),
        (60, "1 m 0 s"),
        (3599.7, "1 h 0 m"),
        (86_400 * 30, "30 d 0 h"),
    ],
)
def test_a_duration_rounds_up_into_the_next_unit(seconds: float, text: str) -> None:
    assert present.duration(seconds) == text


def test_a_long_list_is_cut_after_a_hundred_and_says_so() -> None:
    node = present.tree(list(range(240)))
    assert len(node.children) == 101
    assert node.children[-1].text == "… 140 more not shown"


def test_a_bomb_of_nested_lists_stays_small() -> None:
    bomb: object = 1
    for _ in range(6):
        bomb = [bomb] * 50
    assert show("{% payload value %}", value=bomb).count("<li>") < 2500


def test_a_value_nested_deeper_than_python_recurses_is_shown_in_part() -> None:
    deep: object = "bottom"
    for _ in range(5000):
        deep = {"next": deep}
    assert "1 more not shown" in show("{% payload value %}", value=deep)


def test_keys_keep_their_order_and_integers_their_digits() -> None:
    html = show("{% payload value %}", value={"z": 12345678901234567890, "a": 0.1})
    assert html.index("z</span>") < html.index("a</span>")
    assert "12345678901234567890" in html


def test_an_integer_too_long_to_print_is_shown_in_hexadecimal() -> None:
    assert present.tree(10**5000).text.startswith("0x")


@pytest.mark.parametrize("value", ["<script>alert(1)</script>", {"<b>": "'><img src=x>"}])
def test_values_are_escaped(value: object) -> None:
    html = show("{% payload value %}", value=value)
    assert "<script" not in html
    assert "<b>" not in html
    assert "<img" not in html


def test_a_badge_has_icon_word_and_colour() -> None:
    html = show('{% status_badge "waiting" "human_task" %}')
    assert "is-human" in html
    assert "#user" in html
    assert "Needs a person" in html


def test_a_time_carries_utc_in_its_title() -> None:
    html = show("{% when moment 'exact' %}", moment=NOON + timedelta(milliseconds=250))
    assert 'datetime="2026-01-05T12:00:00.250000Z"' in html
    assert 'title="2026-01-05 12:00:00.250 UTC"' in html


def test_no_time_is_a_dash() -> None:
    assert show("{% when moment %}{{ moment|duration }}", moment=None) == "——"


def test_an_icon_is_silent_unless_it_has_a_label() -> None:
    assert 'aria-hidden="true"' in show('{% icon "x" %}')
    assert 'role="img" aria-label="Remove"' in show('{% icon "x" "Remove" %}')


def test_the_navigation_leaves_out_pages_that_do_not_exist() -> None:
    assert show('{% nav_item "dashboard:no_such_page" "Nowhere" "list" %}').strip() == ""
