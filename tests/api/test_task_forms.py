"""Checklists, forms of single outcomes and attached files, as a program meets them."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.storage import InMemoryStorage
from pydantic import BaseModel

from humantasks import Check, HumanTaskType, Outcome, definitions, human_task_type, inbox
from humantasks.models import HumanTask, TaskAttachment, TaskDecision
from tests.api.conftest import Acting, Program, code_of
from tests.humantasks.conftest import Ask


class Missing(BaseModel):
    document: str


@pytest.fixture(autouse=True)
def own_types() -> Iterator[None]:
    known = dict(definitions._types)
    yield
    definitions._types = known


@pytest.fixture
def mine(ask: Ask, alice: User) -> HumanTask:
    @human_task_type("kyc-check")
    class KycCheck(HumanTaskType):
        outcomes = (Outcome("approve", positive=True), Outcome("ask", form=Missing))
        checklist = (Check("id_doc", "Identity document is genuine"),)

    return inbox.claim(ask(type=KycCheck), user=alice)


@pytest.fixture
def complete(ann: Program, mine: HumanTask) -> Any:
    return lambda **answer: ann.post(f"/tasks/{mine.pk}/complete", answer)


def test_the_form_tells_the_checklist_and_what_an_outcome_alone_asks(
    ann: Program, mine: HumanTask
) -> None:
    form = ann.get(f"/tasks/{mine.pk}/form").json()

    assert form["checklist"] == [
        {"name": "id_doc", "label": "Identity document is genuine", "required_for": ["approve"]}
    ]
    approve, asks = form["outcomes"]
    assert (approve["form"], approve["needs_form"]) == (None, True)
    assert (set(asks["form"]["properties"]), asks["needs_form"]) == ({"document"}, True)


def test_what_is_not_ticked_is_told_and_what_is_ticked_is_kept(complete: Any) -> None:
    refused = complete(outcome="approve", data={"risk": "low"})
    assert code_of(refused) == "invalid"
    assert [one["loc"] for one in refused.json()["errors"]] == [["body", "checked"]]

    assert complete(outcome="approve", data={"risk": "low"}, checked=["id_doc"]).status_code == 200
    assert TaskDecision.objects.get().checked == ["id_doc"]


def test_an_outcome_with_its_own_form_is_answered_with_that(complete: Any) -> None:
    assert code_of(complete(outcome="ask", data={"risk": "low"})) == "invalid"

    assert complete(outcome="ask", data={"document": "visa"}).status_code == 200


def test_files_are_named_to_who_may_see_what_is_judged(
    acting: Acting,
    ann: Program,
    mine: HumanTask,
    carol: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    field: Any = TaskAttachment._meta.get_field("file")
    monkeypatch.setattr(field, "storage", InMemoryStorage())
    assert mine.assignee is not None
    old = inbox.attach(mine, user=mine.assignee, file=BytesIO(b"%PDF-1"), name="a.pdf")
    file = BytesIO(b"%PDF-2")
    new = inbox.attach(mine, user=mine.assignee, file=file, name="b.pdf", replaces=old.pk)
    carol.user_permissions.add(Permission.objects.get(codename="view_humantask"))

    [found] = ann.get(f"/tasks/{mine.pk}").json()["files"]

    assert (found["name"], found["sha256"], found["added_by"]) == ("b.pdf", new.sha256, "alice")
    assert acting(carol).get(f"/tasks/{mine.pk}").json()["files"] == []
