"""State machines in `manage.py runs`: where they are, what they know, what they have done."""

from __future__ import annotations

import pytest

from tests.orchestrator.lifecycle import OrderContext, register


@pytest.fixture
def machine(runs, effect):
    machine = register(tell=effect).start(OrderContext(order_id="o-7"))
    machine.send("PAYMENT_RECEIVED", {"amount": 30}, actor="ann")
    machine.send("DELIVERED")
    return machine


def test_the_list_says_where_machines_are(manage, machine):
    [line] = manage("runs", "list", "--json").lines

    assert line["state"] == "processing"
    assert "  in processing: event SHIPPED, OUT_OF_STOCK" in manage("runs", "list").out


def test_a_machine_is_shown_with_its_state_its_context_and_its_history(manage, machine):
    lines = manage("runs", "show", machine.id).out.splitlines()
    words = [" ".join(line.split()) for line in lines]

    assert "state processing" in words
    assert any(line.startswith('context {"order_id": "o-7", "total": "30"') for line in words)
    history = words[words.index("EVENT FROM TO OUTCOME BY WHEN WHY") + 1 :]
    assert history[0].startswith("PAYMENT_RECEIVED pending processing done ann ")
    assert history[1].startswith("DELIVERED processing processing refused ")
    assert history[1].endswith(
        " processing does not take DELIVERED; it takes SHIPPED, OUT_OF_STOCK"
    )
    assert not [line for line in words if line.startswith("@event ")]


def test_the_document_of_a_machine_has_its_context_and_its_history(manage, machine):
    found = manage("runs", "show", machine.id, "--json").document

    assert (found["state"], found["context"]["paid"]) == ("processing", "30")
    first, second = found["transitions"]
    assert (first["from_state"], first["to_state"], first["outcome"], first["payload"]) == (
        "pending",
        "processing",
        "done",
        {"amount": 30},
    )
    assert (second["outcome"], second["accepted"]) == ("refused", False)


def test_other_runs_have_no_state(manage, waiting):
    found = manage("runs", "show", waiting.id, "--json").document

    assert not found.keys() & {"state", "context", "transitions"}
