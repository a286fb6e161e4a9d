"""What programs are asked by a task: forms of outcomes, checklists, and files to look at."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.core.files.storage import InMemoryStorage
from pydantic import BaseModel

from humantasks import Check, HumanTaskType, Outcome, human_task_type, inbox
from humantasks.models import HumanTask, TaskDecision
from orchestrator import get_run
from orchestrator.testing.runs import Runs
from tests.api.conftest import Acting, Program, code_of
from tests.api.test_task_verbs import may
from tests.api.test_tasks import path
from tests.conftest import Person
from tests.humantasks.conftest import Ask, KycDecision, store  # noqa: F401 - a fixture


class Missing(BaseModel):
    """What an outcome of its own asks."""

    what: str


@pytest.fixture
def listed(ask: Ask) -> HumanTask:
    @human_task_type("listed")
    class Listed(HumanTaskType):
        form = KycDecision
        outcomes = (
            Outcome("approve", positive=True),
            Outcome("ask", form=Missing),
            Outcome("reject", form=None),
        )
        checklist = (Check("id_doc", "Identity document seen"),)

    return ask(type="listed", form=None)


def test_a_form_names_what_each_outcome_asks(ann: Program, listed: HumanTask) -> None:
    form = ann.get(path(listed, "form")).json()

    asked = {one["name"]: (one["needs_form"], one["form"]) for one in form["outcomes"]}
    assert asked["approve"] == (True, None)
    assert asked["reject"] == (False, None)
    assert set(asked["ask"][1]["properties"]) == {"what"}
    assert form["checklist"] == [
        {"name": "id_doc", "label": "Identity document seen", "required_for": ["approve"]}
    ]


def test_what_must_be_ticked_is_asked_for(ann: Program, listed: HumanTask, runs: Runs) -> None:
    ann.post(path(listed, "claim"))
    answer = {"outcome": "approve", "data": {"risk": "low"}}

    refused = ann.post(path(listed, "complete"), answer)
    unknown = ann.post(path(listed, "complete"), {**answer, "checked": ["other"]})
    done = ann.post(path(listed, "complete"), {**answer, "checked": ["id_doc"]})
    runs.drain()

    for one in (refused, unknown):
        assert (one.status_code, one.json()["errors"][0]["loc"]) == (422, ["body", "checked"])
    assert done.json()["status"] == "completed"
    assert TaskDecision.objects.get().checked == ["id_doc"]
    assert get_run(listed.run_id).result(timeout=0).checked == ["id_doc"]


def test_the_form_of_an_outcome_is_what_it_takes(ann: Program, listed: HumanTask) -> None:
    ann.post(path(listed, "claim"))

    wrong = ann.post(path(listed, "complete"), {"outcome": "ask", "data": {"risk": "low"}})
    right = ann.post(path(listed, "complete"), {"outcome": "ask", "data": {"what": "a page"}})

    assert code_of(wrong) == "invalid"
    assert right.json()["outcome"] == "ask"


def test_files_are_listed_for_who_may_see_the_data(
    ann: Program,
    acting: Acting,
    person: Person,
    held: HumanTask,
    store: InMemoryStorage,  # noqa: F811 - the fixture
) -> None:
    inbox.attach(held, user=person("al", "compliance-team"), file=BytesIO(b"seen"), name="a.txt")
    watcher = acting(may(person("walt"), "view_humantask"))

    [listed] = ann.get(path(held)).json()["attachments"]

    assert (listed["name"], listed["size"], len(listed["sha256"])) == ("a.txt", 4, 64)
    assert watcher.get(path(held)).json()["attachments"] == []
