"""Whatever is sent, every answer is one that the description of the API names.

Schemathesis makes requests from the OpenAPI document, right ones and wrong ones: a few, and the
same ones each time, so that a suite that was green stays so. `make fuzz` makes other ones, many
more, and every boundary of every parameter.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
import schemathesis
from django.conf import LazySettings
from hypothesis import HealthCheck
from hypothesis import settings as limits
from schemathesis import Case
from schemathesis.specs.openapi.checks import positive_data_acceptance

from config.api import api
from config.wsgi import application
from humantasks import human_task
from humantasks.models import HumanTask
from orchestrator import Context, Run, state, state_machine, workflow
from orchestrator.core.scheduling import wanted_of
from orchestrator.core.timing import timing
from orchestrator.machine import Machine
from orchestrator.schedules import Schedule, verbs
from orchestrator.testing.runs import Runs
from tests.api.conftest import MakeProgram, Program

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))

each_request = limits(
    max_examples=EXAMPLES or 3,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)

# What a schema cannot say: a cursor of this list, a time that there was, what a workflow
# takes, two keys that are the same. They may be refused although the schema allows them.
BEYOND_SCHEMAS = {
    *("cursor", "timeout", "delay", "at", "started_after", "started_before"),
    *("input", "version", "event_id", "idempotency_key", "attributes"),
    # Of schedules: a cron expression, a range, a workflow that there is.
    *("cron", "every", "tz", "start", "end", "after", "workflow"),
    # Of machines: one that there is, and a state of it.
    *("machine", "state"),
    # Of tasks: what the form asks, a way to end it, people who may answer or be asked, teams,
    # and times that are still to come.
    *("outcome", "comment", "data", "to", "of", "until", "due_at", "reason"),
}

schema = schemathesis.openapi.from_dict(api.document)
schema.app = application
outside = schemathesis.openapi.from_dict(api.document)
outside.app = application
for described in (schema, outside):
    described.config.phases.coverage.enabled = bool(EXAMPLES)


@pytest.fixture
def no_waiting(settings: LazySettings) -> None:
    settings.ORCHESTRATOR_API_LONG_POLL = 0


@pytest.fixture
def nightly(waiting: Run[None]) -> Schedule:
    """A schedule of few times that has the name of a workflow, which paths hold too."""
    wanted = wanted_of(
        waiting.workflow,
        timing(cron="0 3 1 1 *", every=None, tz=None),
        waiting.input,
        overlap="skip",
        catch_up="one",
        name=None,
    )
    return verbs.put(wanted)


@pytest.fixture
def machine(runs: Runs) -> Machine[Any]:
    toggle = state_machine(
        name="toggle", initial="off", states={"off": state(on={"PUSH": "on"}), "on": state()}
    )
    return toggle.start()


@pytest.fixture
def asked(runs: Runs) -> HumanTask:
    """A task of the operators."""

    @workflow(name="asks")
    async def asks(ctx: Context) -> None:
        await human_task(ctx, "look", assign_to="Operator")

    return HumanTask.objects.get(run_id=runs.start(asks).id)


@pytest.fixture
def there(
    waiting: Run[None],
    nightly: Schedule,
    machine: Machine[Any],
    asked: HumanTask,
    no_waiting: None,
) -> dict[str, str]:
    """What there is to ask for, by the names of an address' parts."""
    return {
        "run_id": str(waiting.id),
        "name": waiting.workflow,
        "key": "draft",
        "machines": str(machine.id),
        "task_id": str(asked.pk),
    }


@pytest.fixture
def headers(program: MakeProgram) -> dict[str, str]:
    return program().headers


@schema.parametrize()
@each_request
def test_every_answer_is_described(
    case: Case, headers: dict[str, str], there: dict[str, str]
) -> None:
    aim(case, there)

    response = case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])

    if is_positive(case) and response.status_code == 422:
        assert any(is_beyond_schemas(error) for error in response.json()["errors"])


def is_beyond_schemas(error: dict[str, Any]) -> bool:
    return bool(BEYOND_SCHEMAS & set(error["loc"])) or "NUL" in error["msg"]


@outside.parametrize()
@each_request
def test_nothing_is_answered_to_a_stranger(
    case: Case, there: dict[str, str], stranger: Program
) -> None:
    aim(case, there)

    response = case.call_and_validate(excluded_checks=[positive_data_acceptance])

    assert response.status_code >= 400


def aim(case: Case, there: dict[str, str]) -> None:
    """Let a right request be about something that there is."""
    if is_positive(case):
        for name in case.path_parameters:
            case.path_parameters[name] = there[name]
        if "/machines/{run_id}" in case.path:
            case.path_parameters["run_id"] = there["machines"]


def is_positive(case: Case) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive
