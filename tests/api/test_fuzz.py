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
from orchestrator import Run
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
def headers(program: MakeProgram) -> dict[str, str]:
    return program().headers


@schema.parametrize()
@each_request
def test_every_answer_is_described(
    case: Case, headers: dict[str, str], waiting: Run[None], no_waiting: None
) -> None:
    aim(case, waiting)

    response = case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])

    if is_positive(case) and response.status_code == 422:
        assert any(is_beyond_schemas(error) for error in response.json()["errors"])


def is_beyond_schemas(error: dict[str, Any]) -> bool:
    return bool(BEYOND_SCHEMAS & set(error["loc"])) or "NUL" in error["msg"]


@outside.parametrize()
@each_request
def test_nothing_is_answered_to_a_stranger(
    case: Case, waiting: Run[None], no_waiting: None, stranger: Program
) -> None:
    aim(case, waiting)

    response = case.call_and_validate(excluded_checks=[positive_data_acceptance])

    assert response.status_code >= 400


def aim(case: Case, run: Run[Any]) -> None:
    """Let a right request be about something that there is."""
    there = {"run_id": str(run.id), "name": run.workflow, "key": "draft"}
    if is_positive(case):
        for name in case.path_parameters:
            case.path_parameters[name] = there[name]


def is_positive(case: Case) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive
