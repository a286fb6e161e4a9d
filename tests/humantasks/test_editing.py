"""Forms that begin with something: `initial`, edited texts, and papers side by side."""

from __future__ import annotations

import pytest
from django.urls import reverse
from pydantic import BaseModel, Field

from humantasks import Outcome, inbox
from humantasks.forms import DecisionForm
from orchestrator import get_run

TEXT = "Bees like flowers.\n\nThey fly far."


class Polished(BaseModel):
    text: str = Field(title="Text", json_schema_extra={"widget": "editor"})
    words: int = 0


@pytest.fixture
def editing(ask, alice):
    task = ask(
        form=Polished,
        ui="content-editor",
        initial={"text": TEXT},
        data={"brief": "about bees"},
        outcomes=[Outcome("publish", positive=True), Outcome("stop", form=None)],
    )
    return inbox.claim(task, user=alice)


@pytest.fixture
def send(client, alice):
    def do(task, name, data, **headers):
        client.force_login(alice)
        return client.post(
            reverse(f"humantasks:{name}", args=[task.pk]), data, headers=headers
        ).content.decode()

    return do


def test_what_stands_in_the_form_at_first(editing):
    form = DecisionForm(editing)

    assert form["data.text"].value() == TEXT
    assert "editor" in str(form["data.text"])


@pytest.mark.parametrize(
    "given", [{"text": TEXT, "words": 7}, Polished(text=TEXT, words=7)], ids=["mapping", "model"]
)
def test_any_field_may_have_a_value_at_first(ask, given):
    form = DecisionForm(ask(form=Polished, initial=given))

    assert form["data.words"].value() == "7"


def test_a_draft_wins_over_what_stood_there_at_first(editing, alice):
    inbox.save_draft(
        editing, user=alice, data={"data.text": ["mine"]}, submission_id=editing.pk, draft_rev=0
    )

    form = DecisionForm(editing, draft={"data.text": ["mine"]})

    assert form["data.text"].value() == "mine"


@pytest.mark.parametrize(
    ("given", "words"),
    [({"txt": "x"}, "initial= has txt, which Polished has not"), ("x", "a mapping of fields")],
)
def test_what_is_no_field_is_refused(runs, asking, given, words):
    run = runs.start(asking(form=Polished, initial=given))

    assert words in run.error["message"]


def test_without_a_form_there_is_nothing_to_fill_in(runs, asking):
    run = runs.start(asking(form=None, initial={"text": "x"}))

    assert "this task has none" in run.error["message"]


def test_what_was_changed_is_shown_word_by_word(editing, send):
    changed = TEXT.replace("far", "very far")

    text = send(editing, "changes", {"data.text": changed}, **{"HX-Request": "true"})

    assert "very" in text
    assert "<ins>" in text
    assert "1 paragraph as it was" in text
    assert "<html" not in text


def test_without_a_script_the_page_shows_it_and_keeps_what_was_typed(editing, send):
    text = send(editing, "changes", {"data.text": "Bees <b>like</b> flowers."})

    assert "<html" in text
    assert "Error:" not in text
    assert "Bees &lt;b&gt;like&lt;/b&gt; flowers." in text


def test_the_workflow_gets_the_text_and_what_was_edited(editing, alice, runs):
    changed = TEXT.replace("far", "very far")
    inbox.complete(editing, user=alice, outcome="publish", data={"text": changed})

    runs.drain()
    result = get_run(editing.run_id).result(timeout=0)
    assert result.data.text == changed
    assert result.edits["text"]["unchanged"] is False
    assert "+They fly very far." in result.edits["text"]["unified"]


def test_without_the_form_nothing_was_edited(editing, alice, runs):
    inbox.complete(editing, user=alice, outcome="stop")

    runs.drain()
    assert get_run(editing.run_id).result(timeout=0).edits == {}


def test_afterwards_the_page_shows_what_was_edited(editing, send, alice, client):
    send(
        editing,
        "complete",
        {"outcome": "publish", "data_rev": 1, "data.text": TEXT.replace("far", "near")},
    )

    text = client.get(reverse("humantasks:task", args=[editing.pk])).content.decode()

    assert "near" in text
    assert "1 word added" in text


# ---- papers --------------------------------------------------------------------------


def test_what_was_declared_stands_beside_what_was_extracted(ask, client, alice):
    data = {
        "declared": {"name": "Ada Byron", "born": "1815-12-10", "city": "London"},
        "extracted": {"name": "ADA  BYRON", "born": "1815-12-11"},
        "source": "passport",
    }
    task = ask(ui="evidence-review", data=data)
    client.force_login(alice)

    text = client.get(reverse("humantasks:task", args=[task.pk])).content.decode()

    assert "2 differences" in text
    for word in ("Same", "Differs", "Missing"):
        assert word in text


@pytest.mark.parametrize("data", [None, {"declared": 3, "extracted": {}}, [1, 2]])
def test_without_the_two_sides_it_is_evidence_like_any_other(ask, client, alice, data):
    task = ask(ui="evidence-review", data=data)
    client.force_login(alice)

    text = client.get(reverse("humantasks:task", args=[task.pk])).content.decode()

    assert 'id="comparison"' not in text
    assert 'id="evidence"' in text


@pytest.mark.parametrize("ui", ["approve", "choice", "info-request", "form"])
def test_each_page_shows_the_evidence_and_the_buttons(ask, client, alice, ui):
    task = inbox.claim(ask(ui=ui), user=alice)
    client.force_login(alice)

    text = client.get(reverse("humantasks:task", args=[task.pk])).content.decode()

    assert 'id="evidence"' in text
    assert 'value="approve"' in text


def test_reasons_unfold_with_their_outcome(ask, client, alice):
    outcomes = [
        Outcome("approve", positive=True, key="a"),
        Outcome("reject", form=None, key="r", reason_codes={"forged": "Forged"}),
    ]
    task = inbox.claim(ask(outcomes=outcomes), user=alice)
    client.force_login(alice)
    url = reverse("humantasks:complete", args=[task.pk])

    refused = client.post(url, {"outcome": "reject"})

    assert refused.status_code == 422
    assert "Choose a reason" in refused.content.decode()
    assert 'id="panel-reject" open' in refused.content.decode()
    client.post(url, {"outcome": "reject", "reason_codes.reject": "forged", "data_rev": 1})
    page = client.get(reverse("humantasks:task", args=[task.pk])).content.decode()
    assert "<li>Forged</li>" in page
