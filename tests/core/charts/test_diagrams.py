"""Diagrams of charts: what they say, that they are stable, and that they are safe to show."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from orchestrator.core.charts.compiling import compiled
from orchestrator.core.charts.diagrams import picture, to_svg
from orchestrator.core.charts.dot import to_dot
from orchestrator.core.charts.mermaid import to_mermaid
from orchestrator.core.charts.specs import invoke, state, transition
from tests.core.drawing.test_layout import check

SVG = "{http://www.w3.org/2000/svg}"


def mark_paid(ctx):
    """Named in the diagram."""


def notify_warehouse(ctx):
    """Named in the diagram."""


async def inspect(ctx, context):
    """Named in the diagram."""


def order():
    return chart(
        pending=state(
            on={
                "PAID": transition(
                    "processing", guard=lambda ctx, event: event.amount > 1, action=mark_paid
                ),
                "CANCEL": "cancelled",
            }
        ),
        processing=state(on_enter=notify_warehouse, on={"OUT": "backorder", "SHIPPED": "shipped"}),
        backorder=state(after={"14d": "cancelled"}, on={"IN": "processing", "NOTE": transition()}),
        shipped=state(type="final"),
        cancelled=state(type="final"),
    )


def nested():
    def region():
        return state(initial="x", states={"x": state(on={"GO": "y"}), "y": state(type="final")})

    return chart(
        on={"ABORT": "idle"},
        idle=state(on={"GO": "work", "BACK": "work.memory"}),
        work=state(
            initial="both",
            on={"STOP": "idle", "AGAIN": "work"},
            invoke=invoke(inspect),
            states={
                "both": state(
                    type="parallel", states={"l": region(), "r": region()}, on_done="done"
                ),
                "done": state(always=transition("both", guard=mark_paid), on={"END": "end"}),
                "memory": state(type="history", deep=True),
            },
        ),
        end=state(type="final"),
    )


def chart(*, on=None, **states):
    root = state(initial=next(iter(states)), states=states, on=on)
    return compiled("order-1", root, context_type=dict)


CHARTS = [order(), nested()]


def test_mermaid_says_all_of_a_flat_chart():
    assert (
        to_mermaid(order())
        == """\
stateDiagram-v2
    [*] --> pending
    processing : entry / notify_warehouse
    backorder : NOTE
    pending --> processing : PAID [event.amount #62; 1] / mark_paid
    pending --> cancelled : CANCEL
    processing --> backorder : OUT
    processing --> shipped : SHIPPED
    backorder --> processing : IN
    backorder --> cancelled : after 14d
    shipped --> [*]
    cancelled --> [*]
"""
    )


def test_mermaid_says_all_of_a_nested_chart():
    assert (
        to_mermaid(nested())
        == """\
stateDiagram-v2
    [*] --> idle
    state "work" as work {
        [*] --> work_both
        state "both" as work_both {
            state "l" as work_both_l {
                [*] --> work_both_l_x
                state "x" as work_both_l_x
                state "y" as work_both_l_y
                work_both_l_x --> work_both_l_y : GO
                work_both_l_y --> [*]
            }
            --
            state "r" as work_both_r {
                [*] --> work_both_r_x
                state "x" as work_both_r_x
                state "y" as work_both_r_y
                work_both_r_x --> work_both_r_y : GO
                work_both_r_y --> [*]
            }
        }
        state "done" as work_done
        state "H*" as work_memory
        work_both --> work_done : done
        work_done --> work_both : [mark_paid]
    }
    note right of work : do / inspect
    state "end" as s_end
    state "any state" as any_state
    any_state --> idle : ABORT
    idle --> work : GO
    idle --> work_memory : BACK
    work --> idle : STOP
    work --> work : AGAIN
    work_done --> s_end : END
    s_end --> [*]
"""
    )


@pytest.mark.parametrize("leads", [{}, {"ABORT": "idle"}])
def test_what_every_state_takes_and_stays_is_drawn(leads):
    made = chart(on={"*": transition(action=mark_paid), **leads}, idle=state())

    assert "any_state : any event / mark_paid" in to_mermaid(made)
    assert to_mermaid(made).count('state "any state"') == 1
    assert '"|any" [label="any state\\nany event / mark_paid"' in to_dot(made)
    assert "any event / mark_paid" in re.sub("<[^>]*>", "|", to_svg(made))


def test_mermaid_gives_every_state_a_word_of_its_own():
    text = to_mermaid(
        chart(
            **{
                "a b": state(on={"GO": "a-b"}),
                "a-b": state(),
                "ü": state(always="a b", on_enter=mark_paid),
            }
            | {"a-b": state(on={"X": "ü"})}
        )
    )

    assert 'state "a b" as a_b\n' in text
    assert 'state "a-b" as a_b_2\n' in text
    assert 'state "ü" as s__\n' in text


def test_dot_says_all_of_a_chart():
    assert (
        to_dot(order())
        == """\
digraph "order-1" {
    compound=true;
    node [shape=box, style=rounded, fontname="sans-serif"];
    edge [fontname="sans-serif", fontsize=10];
    "|start" [shape=point, label=""];
    "pending" [label="pending"];
    "processing" [label="processing\\nentry / notify_warehouse"];
    "backorder" [label="backorder\\nNOTE"];
    "shipped" [label="shipped", peripheries=2];
    "cancelled" [label="cancelled", peripheries=2];
    "|start" -> "pending";
    "pending" -> "processing" [label="PAID\\n[event.amount > 1]\\n/ mark_paid"];
    "pending" -> "cancelled" [label="CANCEL"];
    "processing" -> "backorder" [label="OUT"];
    "processing" -> "shipped" [label="SHIPPED"];
    "backorder" -> "processing" [label="IN"];
    "backorder" -> "cancelled" [label="after 14d"];
}
"""
    )


def test_dot_leads_arrows_to_the_borders_of_states_with_states_inside():
    text = to_dot(nested())

    assert '"idle" -> "work|start" [label="GO", lhead="cluster_work"];' in text
    assert '"work|start" -> "idle" [label="STOP", ltail="cluster_work"];' in text
    assert '"work.memory" [shape=circle, label="H*"];' in text
    assert '"|any" -> "idle" [label="ABORT"];' in text
    assert text.count("{") == text.count("}")


# ---- SVG -----------------------------------------------------------------------------


def elements(text: str, name: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(text).iter(f"{SVG}{name}"))


def words(text: str) -> str:
    return " ".join(element.text or "" for element in elements(text, "text"))


@pytest.mark.parametrize("made", CHARTS)
def test_an_svg_is_laid_out_without_overlap(made):
    check(picture(made))


@pytest.mark.parametrize("made", CHARTS)
def test_an_svg_shows_every_state_and_every_transition(made):
    text = to_svg(made)

    shown = words(text)
    for node in made.nodes.values():
        assert node.name in shown or node.kind == "history"
    for edge in made.edges.values():
        assert edge.trigger.label in shown or edge.guard is not None
        assert all(action.label in shown for action in edge.actions)


@pytest.mark.parametrize("made", CHARTS)
def test_an_svg_needs_nothing_that_a_strict_policy_forbids(made):
    text = to_svg(made)

    assert not re.search(r"<style|<script|\sstyle=|\son\w+=|href|url\(", text)
    assert not elements(text, "foreignObject")


def test_an_svg_has_a_title_and_a_description():
    root = ElementTree.fromstring(to_svg(order(), "processing"))

    title, description = root[0], root[1]
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert title.text == "order-1"
    assert "State machine order-1. It is in processing." in str(description.text)
    assert "pending: PAID leads to processing if event.amount > 1, doing mark_paid." in str(
        description.text
    )


def test_the_current_state_is_marked_and_what_is_around_it():
    text = to_svg(nested(), "work.both.l.x + work.both.r.y")

    marked = [
        element for element in elements(text, "g") if "is-current" in element.get("class", "")
    ]
    around = [element for element in elements(text, "g") if "is-around" in element.get("class", "")]
    assert [element.find(f"{SVG}text").text for element in marked] == ["x", "y"]
    assert [element.find(f"{SVG}text").text for element in around] == ["work", "both", "l", "r"]
    # By shape and weight too, not by colour alone.
    assert all(element.find(f"{SVG}path").get("class") == "d-sign" for element in marked)
    assert all(element.find(f"{SVG}rect").get("stroke-width") == "2.5" for element in marked)


def test_the_history_of_a_parallel_state_is_drawn_and_is_no_region():
    def region():
        return state(initial="x", states={"x": state()})

    chart = compiled(
        "split",
        state(
            initial="a",
            states={
                "a": state(on={"BACK": "p.h"}),
                "p": state(
                    type="parallel",
                    states={"l": region(), "h": state(type="history", target="r.x"), "r": region()},
                ),
            },
        ),
        context_type=dict,
    )

    text = to_mermaid(chart)

    assert text.count("    --\n") == 1
    assert "p_h --> p_r_x" in text
    assert "p.h" in to_dot(chart)
    assert ">H<" in to_svg(chart)


def test_a_state_that_is_gone_is_not_marked():
    assert to_svg(order(), "gone") == to_svg(order())


def test_the_places_do_not_depend_on_where_the_machine_is():
    assert _places(to_svg(order())) == _places(to_svg(order(), "backorder"))


def _places(text: str) -> list[str | None]:
    return [element.get("x") for element in elements(text, "rect")]


@pytest.mark.parametrize("draw", [to_svg, to_mermaid, to_dot])
@pytest.mark.parametrize("made", [order, nested])
def test_the_same_chart_is_the_same_text(draw, made):
    assert draw(made()) == draw(made())


def test_what_a_chart_says_cannot_break_out_of_a_diagram():
    made = chart(
        **{
            '<b>"x"</b>': state(on={"</text><script>alert(1)</script>; #}": "y"}),
            "y": state(on_enter=lambda ctx: "</desc><img src=x>" and "\n-->"),
        }
    )

    svg, mermaid, dot = to_svg(made), to_mermaid(made), to_dot(made)

    assert "<script" not in svg
    assert "<img" not in svg
    assert words(svg).replace(" ", "").startswith('<b>"x"</b>y')
    assert "<script" not in mermaid
    assert all(line.count('"') in (0, 2) for line in mermaid.splitlines())
    assert '\\"x\\"' in dot
