"""Whatever is sent, every answer is one that the description of the API names.

Schemathesis makes requests from the OpenAPI document, right ones and wrong ones: the same
ones each time, so that a suite that was green stays so. `make fuzz` makes other ones, and more.
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
from orchestrator import Run, state, state_machine
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
    *("cron", "every", "tz", "start", "end", "workflow"),
    # Of machines: one that there is, and a state of it.
    *("machine", "state"),
}

schema = schemathesis.openapi.from_dict(api.document)
schema.app = application
# Strangers get the same everywhere: a few requests show it.
outside = schemathesis.openapi.from_dict(api.document)
outside.app = application
outside.config.phases.coverage.enabled = bool(EXAMPLES)


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
def there(
    waiting: Run[None], nightly: Schedule, machine: Machine[Any], no_waiting: None
) -> dict[str, Run[Any]]:
    """What there is to ask for, by the first word of an address."""
    return {"machines": machine, "": waiting}


@pytest.fixture
def headers(program: MakeProgram) -> dict[str, str]:
    return program().headers


@schema.parametrize()
@each_request
def test_every_answer_is_described(
    case: Case, headers: dict[str, str], there: dict[str, Run[Any]]
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
    case: Case, there: dict[str, Run[Any]], stranger: Program
) -> None:
    aim(case, there)

    response = case.call_and_validate(excluded_checks=[positive_data_acceptance])

    assert response.status_code >= 400


def aim(case: Case, there: dict[str, Run[Any]]) -> None:
    """Let a right request be about something that there is."""
    run = there.get(case.path.split("/")[3], there[""])
    values = {"run_id": str(run.id), "name": run.workflow, "key": "draft"}
    if is_positive(case):
        for name in case.path_parameters:
            case.path_parameters[name] = values[name]


def is_positive(case: Case) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive
