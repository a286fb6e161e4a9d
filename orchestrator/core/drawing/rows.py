"""The places of knots in their rows: few crossings first, then straight lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from orchestrator.core.drawing.layers import Knot, Line

SWEEPS = 16
RELAXATIONS = 60
GAP = 18.0
# Lines that only pass may be nearer to each other.
LINE_GAP = 10.0


@dataclass(frozen=True, slots=True)
class Link:
    """A neighbour in the next row, and where the line meets the two. `pull` keeps it straight."""

    other: Knot
    mine: float
    theirs: float
    pull: float


# The neighbours of each knot above and below.
Links = dict[Knot, tuple[list[Link], list[Link]]]
Rows = list[list[Knot]]


def place(knots: Sequence[Knot], lines: Sequence[Line]) -> Rows:
    """Give every knot its place in its row. Returns the rows, each from left to right."""
    rows: Rows = [[] for _ in range(max((one.layer for one in knots), default=0) + 1)]
    for knot in knots:
        rows[knot.layer].append(knot)
    for line in lines:
        _lay(line, rows)
    links = _links(lines)
    _order(rows, links)
    _straighten(rows, links)
    _pull_together(rows, links)
    for line in lines:
        _unbend(line, rows)
    return rows


def _lay(line: Line, rows: Rows) -> None:
    """Lead a line through every row between its ends; its text is next to its source."""
    upper, lower = line.upper, line.lower
    line.chain = [upper]
    text_row = lower.layer - 1 if line.is_up else upper.layer + 1
    for row in range(upper.layer + 1, lower.layer):
        if row == text_row and line.label is not None:
            knot = line.label
            knot.layer = row
        else:
            knot = Knot(left=1, right=1, layer=row, is_line=True)
        rows[row].append(knot)
        line.chain.append(knot)
    line.chain.append(lower)


def _links(lines: Iterable[Line]) -> Links:
    links: Links = defaultdict(lambda: ([], []))
    for line in lines:
        for upper, lower in pairwise(line.chain):
            mine, theirs = line.shifts.get(upper, 0.0), line.shifts.get(lower, 0.0)
            pull = (1.0, 3.0, 8.0)[upper.is_line + lower.is_line]
            links[upper][1].append(Link(lower, mine, theirs, pull))
            links[lower][0].append(Link(upper, theirs, mine, pull))
    return links


# ---- order ---------------------------------------------------------------------------


def _order(rows: Rows, links: Links) -> None:
    """Sort the rows so that few lines cross."""
    best, least = [list(row) for row in rows], _crossings(rows, links)
    for sweep in range(SWEEPS):
        if not least:
            break
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            _sort(row, links, 0 if down else 1)
        for row in rows:
            _swap(row, links)
        if (crossings := _crossings(rows, links)) < least:
            best, least = [list(row) for row in rows], crossings
    for row, found in zip(rows, best, strict=True):
        row[:] = found


def _number(row: Sequence[Knot]) -> None:
    for number, knot in enumerate(row):
        knot.x = number


def _sort(row: list[Knot], links: Links, side: int) -> None:
    """Bring each knot of a row near the middle of its neighbours; the others keep their place."""
    wanted: dict[Knot, float] = {}
    for knot in row:
        places = [_end(one.other, one.theirs) for one in links[knot][side]]
        wanted[knot] = sum(places) / len(places) if places else knot.x
    row.sort(key=lambda knot: wanted[knot])
    _number(row)


def _swap(row: list[Knot], links: Links) -> None:
    """Exchange neighbours where fewer lines cross then."""
    for place_ in range(len(row) - 1):
        one, other = row[place_], row[place_ + 1]
        if _crossing(one, other, links) > _crossing(other, one, links):
            row[place_], row[place_ + 1] = other, one
            _number(row)


def _crossing(left: Knot, right: Knot, links: Links) -> int:
    """How many lines of these two cross when they stand in this order."""
    return sum(
        _end(one.other, one.theirs) > _end(other.other, other.theirs)
        for side in (0, 1)
        for one in links[left][side]
        for other in links[right][side]
    )


def _end(knot: Knot, shift: float) -> float:
    """Where a line ends in a row of numbers: its place at a large box counts a little."""
    room = knot.left + knot.right
    return knot.x + (0.9 * shift / room if room else 0.0)


def _crossings(rows: Rows, links: Links) -> int:
    """How many pairs of lines cross between neighbouring rows."""
    for row in rows:
        _number(row)
    count = 0
    for row in rows:
        ends = [
            (_end(knot, one.mine), _end(one.other, one.theirs))
            for knot in row
            for one in links[knot][1]
        ]
        for number, (one, two) in enumerate(ends):
            count += sum((one - three) * (two - four) < 0 for three, four in ends[number + 1 :])
    return count


# ---- places --------------------------------------------------------------------------


def _straighten(rows: Rows, links: Links) -> None:
    """Move the knots to where their lines are straight, keeping their order and their room.

    Row by row this makes the sum of the squares of what is not straight as small as it can
    be, so it comes to rest.
    """
    for row in rows:
        _apart(row, [(0.0, 1.0)] * len(row))
    for number in range(RELAXATIONS):
        for row in rows if number % 2 == 0 else reversed(rows):
            _apart(row, [_wish(knot, links) for knot in row])


def _wish(knot: Knot, links: Links) -> tuple[float, float]:
    """Where a knot would like to be, and how much."""
    near = [*links[knot][0], *links[knot][1]]
    pull = sum(one.pull for one in near)
    if not pull:
        return knot.x, 0.1
    return sum(one.pull * (one.other.x + one.theirs - one.mine) for one in near) / pull, pull


def _apart(row: Sequence[Knot], wishes: Sequence[tuple[float, float]]) -> None:
    """Put a row's knots as near as possible to where they want to be, without overlap.

    Knots that would overlap form a group, which stands where its members want it on average.
    """
    offsets = _offsets(row)
    # Of each group: the sum of wishes, their weight, and how many knots it has.
    groups: list[tuple[float, float, int]] = []
    for (wish, weight), offset in zip(wishes, offsets, strict=True):
        groups.append(((wish - offset) * weight, weight, 1))
        while len(groups) > 1 and _middle(groups[-2]) > _middle(groups[-1]):
            last, other = groups.pop(), groups.pop()
            groups.append((other[0] + last[0], other[1] + last[1], other[2] + last[2]))
    places = [_middle(group) for group in groups for _ in range(group[2])]
    for knot, place_, offset in zip(row, places, offsets, strict=True):
        knot.x = place_ + offset


def _offsets(row: Sequence[Knot]) -> list[float]:
    """How far from the first knot of a row each is at least."""
    offsets = [0.0] * len(row)
    for number, (before, knot) in enumerate(pairwise(row), start=1):
        offsets[number] = offsets[number - 1] + before.right + gap(before, knot) + knot.left
    return offsets


def _middle(group: tuple[float, float, int]) -> float:
    return group[0] / group[1]


def gap(one: Knot, other: Knot) -> float:
    """The room between two neighbours, at least."""
    return LINE_GAP if one.is_line or other.is_line else GAP


def _unbend(line: Line, rows: Rows) -> None:
    """Let a long line go straight down as far as there is room, and bend only then."""
    before = line.chain[0]
    at = before.x + line.shifts.get(before, 0.0)
    group: list[Knot] = []
    low, high = float("-inf"), float("inf")
    for knot in line.chain[1:-1]:
        if not knot.is_line:
            _set(group, at, low, high)
            group, low, high, at = [], float("-inf"), float("inf"), knot.x
            continue
        left, right = _free(knot, rows[knot.layer])
        if max(low, left) > min(high, right):
            _set(group, at, low, high)
            at = group[-1].x if group else at
            group, low, high = [], left, right
        group.append(knot)
        low, high = max(low, left), min(high, right)
    _set(group, at, low, high)


def _set(group: Sequence[Knot], at: float, low: float, high: float) -> None:
    for knot in group:
        knot.x = min(max(at, low), high)


def _free(knot: Knot, row: Sequence[Knot]) -> tuple[float, float]:
    """Where a knot may be between its neighbours."""
    place_ = row.index(knot)
    low, high = float("-inf"), float("inf")
    if place_:
        before = row[place_ - 1]
        low = before.x + before.right + gap(before, knot) + knot.left
    if place_ + 1 < len(row):
        after = row[place_ + 1]
        high = after.x - after.left - gap(knot, after) - knot.right
    return low, high


# ---- what hangs together -------------------------------------------------------------


def _pull_together(rows: Rows, links: Links) -> None:
    """Move groups of knots that no line connects to the others next to them."""
    groups = _groups([knot for row in rows for knot in row], links)
    edge = min((knot.x - knot.left for group in groups for knot in group), default=0.0)
    for group in sorted(groups, key=lambda group: min(one.x - one.left for one in group)):
        room = min(_room(knot, rows[knot.layer], group, edge) for knot in group)
        for knot in group:
            knot.x -= room


def _room(knot: Knot, row: Sequence[Knot], group: set[Knot], edge: float) -> float:
    """How far to the left a knot may go."""
    place_ = row.index(knot)
    if not place_:
        return knot.x - knot.left - edge
    before = row[place_ - 1]
    if before in group:
        return float("inf")
    return knot.x - knot.left - gap(before, knot) - before.right - before.x


def _groups(knots: Sequence[Knot], links: Links) -> list[set[Knot]]:
    groups: list[set[Knot]] = []
    seen: set[Knot] = set()
    for knot in knots:
        if knot in seen:
            continue
        group, waiting = {knot}, [knot]
        while waiting:
            one = waiting.pop()
            near = {link.other for side in links[one] for link in side} - group
            group |= near
            waiting += near
        groups.append(group)
        seen |= group
    return groups
