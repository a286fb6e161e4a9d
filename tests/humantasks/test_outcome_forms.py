"""An outcome with a form of its own: asked, checked and handed over with that outcome alone."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse
from pydantic import BaseModel, Field

from humantasks import Outcome, inbox
from humantasks.inbox import InvalidAnswer
from humantasks.models import HumanTask, TaskDraft
from orchestrator import get_run

HTMX = {"HX-Request": "true"}


class Missing(BaseModel):
    """What a customer still has to send."""

    document: str = Field(title="Which document", max_length=40)
    days: int = Field(7, ge=1, le=30)


OUTCOMES = [
    Outcome("approve", positive=True),
    Outcome("needs_info", "Ask the customer", form=Missing, comment="required"),
    Outcome("reject", form=None),
]


@pytest.fixture
def mine(ask, alice):
    return inbox.claim(ask(outcomes=OUTCOMES), user=alice)


@pytest.fixture
def send(client, mine, alice):
    def do(**data):
        client.force_login(alice)
        url = reverse("humantasks:complete", args=[mine.pk])
        return client.post(url, data, headers=HTMX)

    return do


def loc_of(caught):
    return [error.loc for error in caught.value.errors]


def test_the_body_gets_an_instance_of_the_outcomes_own_form(mine, alice, runs):
    inbox.complete(
        mine, user=alice, outcome="needs_info", data={"document": "visa"}, comment="expired"
    )

    runs.drain()
    result = get_run(mine.run_id).result(timeout=0)
    assert result.data == Missing(document="visa", days=7)
    assert (result.outcome, result.edits) == ("needs_info", {})


def test_each_outcome_asks_for_its_own_and_for_nothing_of_the_others(mine, alice):
    with pytest.raises(InvalidAnswer) as caught:
        inbox.complete(mine, user=alice, outcome="needs_info", data={"risk": "low"}, comment="x")
    assert loc_of(caught) == [("data", "document")]

    with pytest.raises(InvalidAnswer) as caught:
        inbox.complete(mine, user=alice, outcome="approve", data={"document": "visa"})
    assert loc_of(caught) == [("data", "risk")]

    assert inbox.complete(mine, user=alice, outcome="reject").data == "null"


def test_when_the_class_has_gone_its_schema_is_the_judge(mine, alice, monkeypatch):
    asked = json.loads(mine.schema)
    asked["own_forms"]["needs_info"]["form_class"] = "gone:Missing"
    HumanTask.objects.update(schema=json.dumps(asked))
    again = HumanTask.objects.get()
    with pytest.raises(InvalidAnswer) as caught:
        inbox.complete(again, user=alice, outcome="needs_info", data={}, comment="expired")
    assert loc_of(caught) == [("data", "document")]

    made = inbox.complete(
        again, user=alice, outcome="needs_info", data={"document": "visa"}, comment="expired"
    )

    assert json.loads(made.data)["document"] == "visa"


def test_a_form_that_cannot_be_found_again_is_refused():
    class Local(BaseModel):
        x: int

    with pytest.raises(TypeError, match="move it to the top of a module"):
        Outcome("ask", form=Local)


# ---- on the page ---------------------------------------------------------------------


def test_the_page_asks_it_in_the_outcomes_own_panel(client, mine, alice):
    client.force_login(alice)

    text = client.get(reverse("humantasks:task", args=[mine.pk])).content.decode()

    panel = text[text.index('id="panel-needs_info"') :]
    assert panel.index("Which document") < panel.index("</details>")
    assert 'id="panel-approve"' not in text
    assert " open>" not in panel[: panel.index("</details>")]


def test_it_is_sent_with_its_outcome(send):
    response = send(
        outcome="needs_info",
        comment="expired",
        data_rev="1",
        **{"own.needs_info.document": "visa", "own.needs_info.days": "3"},
    )

    assert response.status_code == 200
    assert HumanTask.objects.get().outcome == "needs_info"


def test_what_is_wrong_stands_in_the_open_panel_with_what_was_typed(send):
    response = send(outcome="needs_info", **{"own.needs_info.days": "99"})

    text = response.content.decode()
    assert response.status_code == 422
    panel = text[text.index('id="panel-needs_info"') :]
    assert panel.index(" open>") < panel.index("</details>")
    assert "Must be 30 or less" in panel
    assert 'value="99"' in panel
    assert "Which document: Fill this in" in text
    # Only the approval asks for it.
    assert "Risk level: " not in text


def test_a_draft_keeps_it_and_opens_its_panel_again(client, mine, alice):
    client.force_login(alice)
    client.post(reverse("humantasks:draft", args=[mine.pk]), {"own.needs_info.document": "visa"})
    assert TaskDraft.objects.get().data == {"own.needs_info.document": ["visa"]}

    text = client.get(reverse("humantasks:task", args=[mine.pk])).content.decode()

    panel = text[text.index('id="panel-needs_info"') :]
    assert 'value="visa"' in panel
    assert panel.index(" open>") < panel.index("</details>")
