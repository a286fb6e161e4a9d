"""A checklist: what must be ticked before some of the outcomes, at every door."""

from __future__ import annotations

import pytest
from django.urls import reverse

from humantasks import Check, HumanTaskType, Outcome, chain, human_task_type, inbox
from humantasks.inbox import InvalidAnswer
from humantasks.models import HumanTask, TaskDecision
from orchestrator import get_run

LOW = {"risk": "low"}


@pytest.fixture
def kyc():
    @human_task_type("kyc-check")
    class KycCheck(HumanTaskType):
        ui = "evidence-review"
        outcomes = (
            Outcome("approve", positive=True),
            Outcome("escalate", form=None),
            Outcome("reject", form=None),
        )
        checklist = (
            Check("id_doc", "Identity document is genuine"),
            Check("sanctions", "Sanctions list searched", required_for=["approve", "escalate"]),
            Check("note"),
        )

    return KycCheck


@pytest.fixture
def mine(ask, kyc, alice):
    return inbox.claim(ask(type=kyc), user=alice)


def test_an_outcome_waits_for_what_it_needs(mine, alice):
    with pytest.raises(InvalidAnswer) as caught:
        inbox.complete(mine, user=alice, outcome="approve", data=LOW, checked=["note"])

    [error] = caught.value.errors
    assert error.loc == ("checked",)
    assert "Identity document is genuine, Sanctions list searched" in error.message
    with pytest.raises(InvalidAnswer, match="Sanctions list searched"):
        inbox.complete(mine, user=alice, outcome="escalate", checked=["id_doc", "note"])


def test_another_outcome_asks_for_none_of_it(mine, alice):
    assert inbox.complete(mine, user=alice, outcome="reject").checked == []


def test_what_is_not_on_the_list_cannot_be_ticked(mine, alice):
    with pytest.raises(InvalidAnswer, match="what is on the checklist"):
        inbox.complete(mine, user=alice, outcome="reject", checked=["weather"])


def test_what_was_ticked_is_in_the_result_and_in_the_proof(mine, alice, runs):
    inbox.complete(
        mine, user=alice, outcome="approve", data=LOW, checked=["note", "sanctions", "id_doc"]
    )

    runs.drain()
    assert get_run(mine.run_id).result(timeout=0).checked == ["id_doc", "sanctions", "note"]
    assert list(chain.breaks(HumanTask.objects.all())) == []
    TaskDecision.objects.update(checked=["id_doc"])
    assert len(list(chain.breaks(HumanTask.objects.all()))) == 1


def test_the_page_has_the_boxes_and_says_which_are_left(client, mine, alice):
    client.force_login(alice)
    url = reverse("humantasks:complete", args=[mine.pk])

    response = client.post(url, {"outcome": "approve", "data.risk": "low", "checked": "id_doc"})

    text = response.content.decode()
    assert response.status_code == 422
    assert "Checklist: Before “Approve”: Sanctions list searched" in text
    assert text.count('name="checked"') == 3
    assert 'value="id_doc" id="id_checked_0" checked' in text.replace('aria-invalid="true" ', "")


def test_the_decided_task_shows_what_was_ticked(client, mine, alice):
    client.force_login(alice)
    url = reverse("humantasks:complete", args=[mine.pk])

    client.post(url, {"outcome": "approve", "data.risk": "low", "checked": ["id_doc", "sanctions"]})

    text = client.get(reverse("humantasks:task", args=[mine.pk])).content.decode()
    assert "Identity document is genuine" in text
    assert ">Note<" not in text


@pytest.mark.parametrize(
    ("checklist", "words"),
    [
        ((Check("a"), Check("a")), "two checks have the same name"),
        ((Check("a", required_for=["aprove"]),), "'aprove', which is no outcome"),
    ],
)
def test_a_wrong_checklist_is_refused_at_import(checklist, words):
    with pytest.raises(ValueError, match=words):
        human_task_type("wrong")(type("Wrong", (HumanTaskType,), {"checklist": checklist}))


def test_a_name_of_a_check_is_a_word():
    with pytest.raises(ValueError, match="use small letters"):
        Check("Identity document")
