"""Transitions in words, for diagrams and for people who do not see them."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core.charts.chart import ALWAYS, Chart, Edge, Node


def lines_of(edge: Edge) -> list[str]:
    """What is written on a transition: its trigger, its guard, its actions."""
    lines = [edge.trigger.label]
    if edge.guard is not None:
        if edge.trigger.kind == ALWAYS:
            lines = []
        lines.append(f"[{edge.guard.label}]")
    if edge.actions:
        lines.append("/ " + ", ".join(action.label for action in edge.actions))
    return lines


def label_of(edge: Edge) -> str:
    """The same in one line."""
    return " ".join(lines_of(edge))


def sentences(chart: Chart) -> Iterator[str]:
    """The whole chart in sentences, in the order of the document."""
    yield f"It starts in {chart.first_state}."
    for node in chart.nodes.values():
        name = node.id or "In any state"
        for edge in node.edges:
            yield f"{name}: {_sentence(edge)}."
        if node.kind == "final":
            yield f"{name} is an end."


def _sentence(edge: Edge) -> str:
    if edge.targets:
        text = f"{edge.trigger.label} leads to {' and '.join(one.id for one in edge.targets)}"
    else:
        text = f"{edge.trigger.label} leads nowhere else"
    if edge.guard is not None:
        text += f" if {edge.guard.label}"
    if edge.actions:
        text += f", doing {', '.join(one.label for one in edge.actions)}"
    return text


def notes_of(node: Node) -> list[str]:
    """What a state does by itself, and what happens in it without leaving it."""
    stays = [edge for edge in node.edges if not edge.targets]
    return [
        *(f"entry / {one.label}" for one in node.on_enter),
        *(f"exit / {one.label}" for one in node.on_exit),
        *(f"do / {one.name}" for one in node.invokes),
        *map(label_of, stays),
    ]
