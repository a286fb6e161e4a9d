"""Which state a target names."""

from __future__ import annotations

from orchestrator.core.charts.chart import Node


def resolve(source: Node, target: str) -> Node | None:
    """The state that `target` names, as seen from `source`.

    The first part is looked for among the states inside the source, then beside it, then
    beside its parent, and so on. The other parts lead further inwards.
    """
    first, *inner = target.split(".")
    scope: Node | None = source
    while scope is not None:
        found = _child(scope, first)
        if found is not None and (found := _descend(found, inner)) is not None:
            return found
        scope = scope.parent
    return None


def _descend(node: Node, names: list[str]) -> Node | None:
    for name in names:
        found = _child(node, name)
        if found is None:
            return None
        node = found
    return node


def _child(node: Node, name: str) -> Node | None:
    return next((child for child in node.children if child.name == name), None)
