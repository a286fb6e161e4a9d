"""Where the bars of a run's timeline go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.axis import ALL_CUTS
from dashboard.labels import APART, CHART, CHART_BESIDE_PANEL
from dashboard.timeline import LEAST_BAR, Bar, Layout, Row, Segment, timeline

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = 86_400.0


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def ran(start: float, end: float | None, kind: str = "run", *, failed: bool = False) -> Segment:
    return Segment(kind, at(start), None if end is None else at(end), failed)


def step(name: str, *segments: Segment) -> Row:
    return Row(name, name, "step", "completed", segments=segments)


def one_bar(layout: Layout, row: int) -> tuple[float, float]:
    (bar,) = layout.rows[row].bars
    return bar.x, bar.width


def month_long() -> list[Row]:
    return [
        step("create", ran(0, 1.4)),
        step("sleep", ran(1.4, 30 * DAY, "sleep")),
        step("notify", ran(30 * DAY, 30 * DAY + 0.02)),
    ]


def test_a_step_of_20_ms_beside_a_sleep_of_30_days_can_be_seen() -> None:
    layout = timeline(month_long(), now=at(31 * DAY))
    assert one_bar(layout, 2)[1] >= LEAST_BAR


def test_the_sleep_is_cut_and_its_length_is_written() -> None:
    layout = timeline(month_long(), now=at(31 * DAY))
    assert [cut.label for cut in layout.cuts] == ["29 d 23 h"]
    assert [label.text for label in layout.gap_labels] == ["29 d 23 h"]
    assert layout.caption == "Time axis compressed: 1 pause, 29 d 23 h"


def test_work_is_never_cut_however_long() -> None:
    rows = [step("a", ran(0, 1)), step("b", ran(1, 9 * DAY))]
    layout = timeline(rows, now=at(9 * DAY))
    assert layout.cuts == ()
    # "Linear" would contradict the axis that is chosen.
    assert layout.caption == "No pause is long enough to cut out"
    assert timeline(rows, at(9 * DAY), "linear").caption == "Time axis linear"


def test_the_longest_pauses_are_cut_until_the_rest_is_no_longer_than_the_work() -> None:
    rows = [
        step("a", ran(0, 10)),
        step("b", ran(18, 28)),
        step("c", ran(100, 110)),
        step("d", ran(1000, 1010)),
    ]
    layout = timeline(rows, now=at(1010))
    assert [cut.seconds for cut in layout.cuts] == [72, 890]


def test_short_back_offs_stay_visible() -> None:
    retried = step("charge", ran(0, 10, failed=True), ran(10, 14, "backoff"), ran(14, 24))
    layout = timeline([retried], now=at(24))
    assert layout.cuts == ()
    assert [bar.failed for bar in layout.rows[0].bars] == [True, False, False]


def test_many_short_pauses_are_not_cut_when_each_is_under_five_percent_of_the_work() -> None:
    rows = [step(f"s{i}", ran(i * 1.04, i * 1.04 + 0.5)) for i in range(100)]
    assert timeline(rows, now=at(200)).cuts == ()


def test_waiting_for_a_worker_comes_first_and_is_cut_like_any_pause() -> None:
    layout = timeline([step("a", ran(3600, 3602))], now=at(3602), queued_at=at(0))
    (cut,) = layout.cuts
    assert (cut.x, cut.seconds) == (0, 3600)


def test_a_run_that_only_waits_is_drawn_without_cuts() -> None:
    layout = timeline([step("sleep", ran(0, None, "sleep"))], now=at(DAY))
    assert layout.cuts == ()
    assert one_bar(layout, 0) == (0, 100)


def test_what_lasts_ends_now_and_is_open() -> None:
    layout = timeline([step("a", ran(0, 5)), step("b", ran(5, None))], now=at(10))
    (bar,) = layout.rows[1].bars
    assert bar.open
    assert bar.end == pytest.approx(100)
    assert layout.now_x == pytest.approx(100)


def test_a_finished_run_has_no_line_for_now() -> None:
    assert timeline([step("a", ran(0, 5))], now=at(10)).now_x is None


def test_durations_can_be_compared_within_a_cluster() -> None:
    layout = timeline([step("a", ran(0, 10)), step("b", ran(10, 30))], now=at(30))
    assert one_bar(layout, 1)[1] == pytest.approx(2 * one_bar(layout, 0)[1], rel=0.01)


def test_the_linear_axis_keeps_every_second_equal() -> None:
    layout = timeline(month_long(), now=at(31 * DAY), mode="linear")
    assert layout.cuts == ()
    assert one_bar(layout, 1)[1] > 99


def test_in_sequence_every_step_has_the_same_width() -> None:
    layout = timeline(month_long(), now=at(31 * DAY), mode="sequence")
    assert [round(one_bar(layout, i)[1], 2) for i in range(3)] == [33.33] * 3


def test_a_run_without_steps_says_so() -> None:
    layout = timeline([], now=at(0))
    assert layout.caption == "No step has started"
    assert layout.rows == ()


def test_a_step_that_has_not_started_has_a_row_without_bars() -> None:
    layout = timeline([step("a", ran(0, 1)), step("later")], now=at(1))
    assert layout.rows[1].bars == ()
    assert layout.rows[1].took == "—"


def test_an_end_before_its_start_is_drawn_as_a_moment() -> None:
    layout = timeline([step("a", ran(0, 5)), step("skewed", ran(3, 2.9))], now=at(5))
    assert one_bar(layout, 1)[1] == LEAST_BAR


def test_the_clock_is_shown_in_the_zone_of_the_reader_with_the_date_when_it_changes() -> None:
    tokyo = timezone(timedelta(hours=9))
    layout = timeline(month_long(), now=at(31 * DAY), zone=tokyo)
    assert [tick.text for tick in layout.ticks][:2] == ["2 Mar, 18:00", "1 Apr, 18:00"]


def test_labels_keep_their_distance() -> None:
    rows = [step(f"s{i}", ran(i * DAY, i * DAY + 60)) for i in range(40)]
    layout = timeline(rows, now=at(40 * DAY))
    for labels in (layout.ticks, layout.gap_labels):
        assert len(labels) > 1
        assert all(b.left - a.right >= APART - 1e-6 for a, b in pairwise(labels))


def test_a_label_that_would_leave_the_chart_is_left_out() -> None:
    late = [step("a", ran(0, 3600)), step("b", ran(30 * DAY, 30 * DAY + 60))]
    layout = timeline(late, now=at(31 * DAY))
    assert layout.pieces[-1].x > 85
    assert [(tick.text, tick.align) for tick in layout.ticks] == [
        ("2 Mar, 09:00", "start"),
        ("1 Apr, 09:01", "end"),
    ]


lengths = st.floats(min_value=0, max_value=40 * DAY) | st.sampled_from([0.02, 3.0, 60.0, 3600.0])
kinds = st.sampled_from(
    ["run", "run", "run", "sleep", "human", "backoff", "event", "queue", "child"]
)


@st.composite
def runs(draw: st.DrawFn) -> list[Row]:
    """Rows in the order of their starts; the last may still last."""
    rows, start = [], 0.0
    for i in range(draw(st.integers(1, 40))):
        length = draw(lengths)
        rows.append(step(f"s{i}", ran(start, start + length, draw(kinds))))
        start += draw(st.sampled_from([0.0, length])) + draw(
            st.sampled_from([0.0, 0.02, 3.0, 5 * DAY])
        )
    return rows


@given(runs())
def test_bars_of_work_never_reach_into_a_cut(rows: list[Row]) -> None:
    layout = timeline(rows, now=at(10_000 * DAY))
    for bar in work_bars(layout):
        for cut in layout.cuts:
            assert bar.end <= cut.x + 0.001 or bar.x >= cut.x + cut.width - 0.001


@given(runs())
def test_the_order_of_the_starts_is_kept_and_nothing_leaves_the_picture(rows: list[Row]) -> None:
    layout = timeline(rows, now=at(10_000 * DAY))
    bars = [bar for placed in layout.rows for bar in placed.bars]
    # A bar of the least width that stands at the end of its cluster begins that much earlier.
    assert all(b.x >= a.x - LEAST_BAR - 0.001 for a, b in pairwise(bars))
    assert min(bar.x for bar in bars) >= -0.001
    assert max(bar.end for bar in bars) <= 100.001


@given(runs(), st.sampled_from([CHART, CHART_BESIDE_PANEL]))
def test_no_label_leaves_the_chart_or_touches_another(rows: list[Row], chart: int) -> None:
    layout = timeline(rows, now=at(10_000 * DAY), queued_at=at(-3 * DAY), chart=chart)
    for labels in (layout.ticks, layout.gap_labels):
        assert all(label.left >= 0 and label.right <= 100 for label in labels)
        assert all(b.left >= a.right for a, b in pairwise(labels))


@given(runs())
def test_the_pieces_of_the_axis_fill_it_and_the_cuts_take_less_than_half(rows: list[Row]) -> None:
    layout = timeline(rows, now=at(10_000 * DAY))
    assert sum(piece.width for piece in layout.pieces) == pytest.approx(100)
    assert sum(cut.width for cut in layout.cuts) <= ALL_CUTS + 0.01


@given(runs())
def test_every_bar_of_work_is_wide_enough_to_be_seen(rows: list[Row]) -> None:
    layout = timeline(rows, now=at(10_000 * DAY))
    assert all(bar.width >= LEAST_BAR - 0.001 for bar in work_bars(layout))


@given(runs())
def test_only_pauses_of_five_percent_of_the_work_or_more_are_cut(rows: list[Row]) -> None:
    layout = timeline(rows, now=at(10_000 * DAY))
    assert all(cut.seconds >= busy_seconds(rows) * 0.0499 for cut in layout.cuts)


def work_bars(layout: Layout) -> list[Bar]:
    return [bar for placed in layout.rows for bar in placed.bars if bar.kind == "run"]


def busy_seconds(rows: list[Row]) -> float:
    total, reached = 0.0, 0.0
    for row in rows:
        for segment in row.segments:
            if segment.kind == "run" and segment.end:
                start, end = ((t - BEGIN).total_seconds() for t in (segment.start, segment.end))
                total += max(end - max(start, reached), 0)
                reached = max(reached, end)
    return total
