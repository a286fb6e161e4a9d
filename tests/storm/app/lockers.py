"""A machine that many want at once, and what its history must look like."""

from __future__ import annotations

from typing import Any

from orchestrator import Event, Machine, StateMachine, state, state_machine, transition
from orchestrator.models import Event as Row


def is_owner(ctx: dict[str, Any], event: Event) -> bool:
    return bool(ctx["owner"] == event.actor)


def take(ctx: dict[str, Any], event: Event) -> None:
    ctx["owner"] = event.actor
    ctx["log"].append(["TAKE", event.actor])


def give(ctx: dict[str, Any], event: Event) -> None:
    ctx["owner"] = ""
    ctx["log"].append(["GIVE", event.actor])


def register() -> StateMachine[dict[str, Any]]:
    return state_machine(
        name="locker",
        initial="free",
        context={"owner": "", "log": []},
        states={
            "free": state(on={"TAKE": transition("taken", action=take)}),
            "taken": state(
                on={"GIVE": transition("free", guard=is_owner, action=give), "LOSE": "lost"}
            ),
            "lost": state(type="final"),
        },
    )


def assert_is_legal(machine: Machine[dict[str, Any]]) -> None:
    """Every event is in the history once, in its turn, and was judged where the machine was.

    What was accepted was done once: the machine's own log says the same.
    """
    machine.refresh()
    history = machine.history
    sent = Row.objects.filter(run_id=machine.id).order_by("id").values_list("id", flat=True)
    assert [one.number for one in history] == list(sent), machine
    place, owner, log = "free", "", []
    for one in history:
        assert one.from_ == place, machine
        is_taken = one.event == "TAKE" and place == "free"
        is_given = one.event == "GIVE" and place == "taken" and owner == one.actor
        assert one.accepted is (is_taken or is_given), machine
        if one.accepted:
            owner = one.actor if is_taken else ""
            log.append([one.event, one.actor])
        place = "taken" if owner else "free"
        assert one.to == place, machine
    assert (machine.state, machine.context) == (place, {"owner": owner, "log": log})
