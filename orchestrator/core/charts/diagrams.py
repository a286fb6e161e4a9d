"""A chart as a picture: boxes for states, arrows for transitions."""

from __future__ import annotations

from collections.abc import Iterator, Set

from orchestrator.core.charts.chart import Chart, Node
from orchestrator.core.charts.wording import lines_of, notes_of, sentences
from orchestrator.core.drawing.picture import Arrow, Box, Picture
from orchestrator.core.drawing.svg import AROUND, CURRENT, svg


def to_svg(chart: Chart, current: str | None = None) -> str:
    """The chart as SVG, with the states marked in which a machine is.

    One that the chart does not have any more is not marked.
    """
    return svg(picture(chart, current))


def picture(chart: Chart, current: str | None = None) -> Picture:
    """What is drawn of a chart."""
    active = _active(chart, current)
    boxes: dict[Node, Box] = {}
    for node in chart.nodes.values():
        boxes[node] = _box(node, node in active)
        if node.parent is not None:
            boxes[node.parent].add(boxes[node])
    if notes := notes_of(chart.root):
        # Each of its states does so.
        _any(boxes[chart.root]).lines = notes
    arrows = [*_starts(chart, boxes), *_arrows(chart, boxes)]
    return Picture(boxes[chart.root], arrows, chart.name, _description(chart, active))


def _description(chart: Chart, active: Set[Node]) -> str:
    here = f" It is in {chart.shown(active)}." if active else ""
    return f"State machine {chart.name}.{here} " + " ".join(sentences(chart))


def _active(chart: Chart, current: str | None) -> set[Node]:
    leaves = chart.known(current) if current else []
    return {one for leaf in leaves for one in (leaf, *leaf.ancestors)}


def _box(node: Node, is_active: bool) -> Box:
    if node.kind == "history":
        return Box(node.id, "H*" if node.deep else "H", shape="history")
    is_region = node.parent is not None and node.parent.kind == "parallel"
    loops = [edge for edge in node.edges if edge.targets == (node,)]
    return Box(
        node.id,
        node.name,
        shape="region" if is_region else "final" if node.kind == "final" else "box",
        lines=notes_of(node),
        marks=((CURRENT if node.is_leaf else AROUND),) if is_active else (),
        loop=[line for edge in loops for line in lines_of(edge)],
    )


def _starts(chart: Chart, boxes: dict[Node, Box]) -> Iterator[Arrow]:
    """Where a state with states inside starts."""
    for node in chart.nodes.values():
        if node.kind == "compound":
            dot = Box(f"{node.id}|start", "", shape="start", parent=boxes[node])
            boxes[node].inside.insert(0, dot)
            for target in node.initial:
                yield Arrow(dot, boxes[target])
        elif node.kind == "history":
            for target in node.initial:
                yield Arrow(boxes[node], boxes[target])


def _arrows(chart: Chart, boxes: dict[Node, Box]) -> Iterator[Arrow]:
    """The transitions; those between the same two states share an arrow."""
    labels: dict[tuple[Node, Node], list[str]] = {}
    for edge in chart.edges.values():
        for target in edge.targets:
            if target is not edge.source:
                labels.setdefault((edge.source, target), []).extend(lines_of(edge))
    for (source, target), label in labels.items():
        yield Arrow(_or_any(source, boxes), boxes[target], label)


def _or_any(source: Node, boxes: dict[Node, Box]) -> Box:
    """The box of a state; of the machine itself one that stands for all of its states."""
    return boxes[source] if source.parent is not None else _any(boxes[source])


def _any(root: Box) -> Box:
    known = next((box for box in root.inside if box.id == "|any"), None)
    return known or root.add(Box("|any", "any state", shape="region"))
