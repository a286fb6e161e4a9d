"""Registering task types and asking for what cannot be asked."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import BaseModel

from humantasks import HumanTaskType, Outcome, checks, definitions, human_task_type
from tests.humantasks.conftest import KycDecision


def test_a_registered_type_brings_its_form_title_and_outcomes(ask):
    @human_task_type("kyc-review", version=3)
    class KycReview(HumanTaskType):
        title = "KYC review: {customer[name]}"
        form = KycDecision
        outcomes = (Outcome("accept", positive=True), Outcome("refuse"))

    task = ask(type=KycReview, form=None)

    assert (task.type, task.type_version, task.title) == ("kyc-review", 3, "KYC review: Ada")
    assert list(task.outcomes) == ["accept", "refuse"]
    assert task.form_class.endswith("KycDecision")


def test_a_type_may_be_named_by_its_name(ask):
    @human_task_type("kyc-review")
    class KycReview(HumanTaskType):
        title = "By name"

    assert ask(type="kyc-review").title == "By name"


def test_what_is_said_in_the_body_wins(ask):
    @human_task_type("kyc-review")
    class KycReview(HumanTaskType):
        title = "From the type"

    task = ask(type=KycReview, title="From  the\nbody", outcomes=[Outcome("ok", positive=True)])

    assert (task.title, list(task.outcomes)) == ("From the body", ["ok"])


def test_a_title_that_does_not_fit_its_data_stops_nothing(ask, caplog):
    @human_task_type("kyc-review")
    class KycReview(HumanTaskType):
        title = "For {nobody.name}"

    assert ask(type=KycReview).title == "Kyc review"
    assert "does not fit its data" in caplog.text


def test_the_newest_version_of_a_type_is_asked():
    for version in (2, 3, 1):

        @human_task_type("versioned", version=version)
        class Versioned(HumanTaskType):
            title = f"v{version}"

    assert definitions.find_type("versioned")[1].title == "v3"


def test_an_old_task_keeps_the_form_that_it_was_asked_with(ask):
    task = ask()

    @human_task_type("kyc-review", version=9)
    class Newer(HumanTaskType):
        outcomes = (Outcome("entirely_new"),)

    assert list(task.outcomes) == ["approve", "reject"]


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        ({"outcomes": ()}, "at least one outcome"),
        ({"outcomes": (Outcome("a"), Outcome("a"))}, "same name"),
        ({"ui": "../etc"}, "ui"),
        ({"form": int}, "not a pydantic model"),
    ],
)
def test_a_bad_type_is_refused_at_import(attributes, error):
    with pytest.raises((ValueError, TypeError), match=error):
        human_task_type("bad")(type("Bad", (HumanTaskType,), attributes))


def test_a_form_must_be_where_it_can_be_found_again():
    class Local(BaseModel):
        pass

    with pytest.raises(TypeError, match="top of a module"):
        definitions.check_model(Local)


@pytest.mark.parametrize("name", ["", "no spaces", "x" * 101, None])
def test_a_type_has_a_plain_name(name):
    with pytest.raises(ValueError, match="task type"):
        definitions.check_type_name(name)


@pytest.mark.parametrize("name", ["", "Approve", "a b", "x" * 51])
def test_an_outcome_has_a_plain_name(name):
    with pytest.raises(ValueError, match="outcome"):
        Outcome(name)


def test_an_outcome_is_labelled_by_its_name():
    assert Outcome("needs_info").label == "Needs info"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"assign_to": []}, "assign_to is the name"),
        ({"outcomes": [Outcome("a"), Outcome("a")]}, "same name"),
        ({"ui": "a/b"}, "ui"),
        ({"timeout": "soon"}, "not a duration"),
        ({"priority": "huge"}, "one of low, normal, high, urgent, not 'huge'"),
        ({"data": {"socket": object()}}, "data.socket"),
        ({"data": {"text": "x" * 1_100_000}}, "limit"),
    ],
)
def test_what_cannot_be_asked_fails_the_run_with_the_reason(runs, asking, options, error):
    run = runs.start(asking(**options))

    assert run.status == "failed"
    assert error in run.error["message"]


def test_a_type_whose_page_is_missing_is_found_by_the_checks():
    @human_task_type("pageless")
    class Pageless(HumanTaskType):
        ui = "no-such-page"

    [found] = checks.pages_exist(None)

    assert (found.id, "no-such-page" in found.msg) == ("humantasks.E001", True)


def test_importing_needs_no_settings():
    code = "import humantasks; humantasks.Outcome('x')"

    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": "."}, timeout=60)
