"""A chart as text for Mermaid (`stateDiagram-v2`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrator.core.charts.chart import Chart, Node
from orchestrator.core.charts.wording import label_of, notes_of

# What Mermaid would read as its own.
_SIGNS = str.maketrans({sign: f"#{ord(sign)};" for sign in '#;:"<>{}[]\\'} | {"\n": " "})
# Brackets around a guard are harmless behind a colon, and easier to read.
_LABEL_SIGNS = {key: value for key, value in _SIGNS.items() if chr(key) not in "[]"}
_ANY = "any_state"
_STANDS_FOR_ANY = f'state "any state" as {_ANY}'


def to_mermaid(chart: Chart) -> str:
    """The chart as a state diagram. Stable: the same chart is the same text."""
    writer = _Writer(chart)
    return "\n".join(["stateDiagram-v2", *writer.inside(chart.root, "    "), ""])


class _Writer:
    def __init__(self, chart: Chart) -> None:
        self._names = _names(chart)
        self._lines: dict[Node, list[str]] = {}
        self._sort(chart)

    def inside(self, node: Node, indent: str) -> Iterator[str]:
        """The states inside a state, and the transitions that begin there."""
        for target in node.initial:
            yield f"{indent}[*] --> {self._names[target]}"
        for child in node.children:
            if node.kind == "parallel" and child in node.states[1:]:
                yield f"{indent}--"
            yield from self._state(child, indent)
        yield from (f"{indent}{line}" for line in self._lines.get(node, ()))
        if node.parent is None:
            yield from self._of_any(node, indent)

    def _of_any(self, root: Node, indent: str) -> Iterator[str]:
        """What every state does."""
        if notes_of(root) and not any(edge.targets for edge in root.edges):
            yield f"{indent}{_STANDS_FOR_ANY}"
        for note in notes_of(root):
            yield f"{indent}{_ANY} : {note.translate(_LABEL_SIGNS)}"

    def _state(self, node: Node, indent: str) -> Iterator[str]:
        name, title = self._names[node], node.name
        if node.kind == "history":
            title = "H*" if node.deep else "H"
        if node.children:
            yield f'{indent}state "{title.translate(_SIGNS)}" as {name} {{'
            yield from self.inside(node, f"{indent}    ")
            yield f"{indent}}}"
            # Mermaid has no text in such a state.
            for note in notes_of(node):
                yield f"{indent}note right of {name} : {note.translate(_LABEL_SIGNS)}"
            return
        if title != name:
            yield f'{indent}state "{title.translate(_SIGNS)}" as {name}'
        for note in notes_of(node):
            yield f"{indent}{name} : {note.translate(_LABEL_SIGNS)}"

    def _sort(self, chart: Chart) -> None:
        """Transitions stand where both their ends are inside: there Mermaid looks for them."""
        for node in chart.nodes.values():
            name = self._names[node]
            for edge in node.edges:
                for target in edge.targets:
                    label = label_of(edge).translate(_LABEL_SIGNS)
                    self._add(node, target, f"{name} --> {self._names[target]} : {label}")
            if node.kind == "history":
                for target in node.initial:
                    self._add(node, target, f"{name} --> {self._names[target]}")
            if node.kind == "final":
                self._add(node, node, f"{name} --> [*]")

    def _add(self, source: Node, target: Node, line: str) -> None:
        around = [one for one in source.ancestors if target.is_inside(one)]
        if source.parent is None:
            around = [source]
            if source not in self._lines:
                self._lines.setdefault(source, []).append(_STANDS_FOR_ANY)
        self._lines.setdefault(around[0], []).append(line)


def _names(chart: Chart) -> dict[Node, str]:
    """A plain word for each state, no two the same."""
    names: dict[Node, str] = {chart.root: _ANY}
    for node in list(chart.nodes.values())[1:]:
        word = re.sub(r"\W+", "_", node.id, flags=re.ASCII)
        # `end` and the like are Mermaid's own words.
        if not re.match(r"[A-Za-z]", word) or word.lower() in _RESERVED:
            word = f"s_{word}"
        number, unique = 2, word
        while unique in names.values():
            unique, number = f"{word}_{number}", number + 1
        names[node] = unique
    return names


_RESERVED = {
    "state",
    "end",
    "note",
    "direction",
    "class",
    "classdef",
    "style",
    "click",
    "default",
    "as",
    "of",
    "left",
    "right",
    "fork",
    "join",
    "choice",
    _ANY,
}
