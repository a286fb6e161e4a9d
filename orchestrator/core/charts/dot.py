"""A chart as text for Graphviz (`dot`)."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core.charts.chart import Chart, Node
from orchestrator.core.charts.wording import lines_of, notes_of

_HEAD = """    compound=true;
    node [shape=box, style=rounded, fontname="sans-serif"];
    edge [fontname="sans-serif", fontsize=10];"""


def to_dot(chart: Chart) -> str:
    """The chart as a directed graph. Stable: the same chart is the same text."""
    lines = [f"digraph {_quoted(chart.name)} {{", _HEAD, *_inside(chart.root, "    ")]
    return "\n".join([*lines, *_edges(chart), "}", ""])


def _inside(node: Node, indent: str) -> Iterator[str]:
    if node.kind != "parallel" or node.parent is None:
        yield f'{indent}{_point(node)} [shape=point, label=""];'
    else:
        # Arrows to a state with states inside end at a place in it.
        yield f'{indent}{_point(node)} [shape=point, style=invis, label=""];'
    for child in node.children:
        yield from _state(child, indent)


def _state(node: Node, indent: str) -> Iterator[str]:
    text = "\n".join([node.name, *notes_of(node)])
    if node.children:
        yield f"{indent}subgraph {_quoted('cluster_' + node.id)} {{"
        is_region = node.parent is not None and node.parent.kind == "parallel"
        yield f"{indent}    label={_quoted(text)}; style={'dashed' if is_region else 'rounded'};"
        yield from _inside(node, f"{indent}    ")
        yield f"{indent}}}"
    elif node.kind == "history":
        label = _quoted("H*" if node.deep else "H")
        yield f"{indent}{_quoted(node.id)} [shape=circle, label={label}];"
    else:
        ends = ", peripheries=2" if node.kind == "final" else ""
        yield f"{indent}{_quoted(node.id)} [label={_quoted(text)}{ends}];"


def _edges(chart: Chart) -> Iterator[str]:
    if chart.root.edges:
        text = "\n".join(["any state", *notes_of(chart.root)])
        yield f'    "|any" [label={_quoted(text)}, style=dashed];'
    for node in chart.nodes.values():
        begin = {"compound": _point(node), "history": _quoted(node.id)}.get(node.kind, "")
        for target in node.initial:
            yield _edge(begin, target)
        for edge in node.edges:
            for target in edge.targets:
                yield _edge(_begin(node), target, lines_of(edge), source=node)


def _edge(
    begin: str, target: Node, label: list[str] | None = None, *, source: Node | None = None
) -> str:
    options = [] if label is None else [f"label={_quoted(chr(10).join(label))}"]
    if source is not None and source.children and source.parent is not None:
        options.append(f"ltail={_quoted('cluster_' + source.id)}")
    if target.children and target is not source:
        options.append(f"lhead={_quoted('cluster_' + target.id)}")
    shown = f" [{', '.join(options)}]" if options else ""
    return f"    {begin} -> {_end(target)}{shown};"


def _begin(node: Node) -> str:
    return _end(node) if node.parent is not None else _quoted("|any")


def _end(node: Node) -> str:
    return _point(node) if node.children else _quoted(node.id)


def _point(node: Node) -> str:
    return _quoted(f"{node.id}|start")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
