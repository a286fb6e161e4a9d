"""What the inbox's tests share: a workflow that asks, and the task that it asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import InMemoryStorage
from pydantic import BaseModel, Field

from humantasks import FourEyes, HumanTaskType, definitions, human_task, human_task_type
from humantasks.models import HumanTask, TaskAttachment
from orchestrator import Context, workflow
from orchestrator.testing.runs import Runs

Ask = Callable[..., HumanTask]


class Risk(Enum):
    LOW = "low"
    HIGH = "high"


class KycDecision(BaseModel):
    """The form of most tests."""

    risk: Risk = Field(title="Risk level")
    sanctions_checked: bool = Field(False, title="Sanctions list checked")
    note: str = Field("", max_length=200)


DATA = {"customer": {"name": "Ada", "country": "DE"}, "score": 17}


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    """Forget the task types that a test has registered."""
    types = dict(definitions._types)
    yield
    definitions._types = types


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> InMemoryStorage:
    """Where attachments lie in a test: nowhere on the disk."""
    kept = InMemoryStorage()
    monkeypatch.setattr(TaskAttachment._meta.get_field("file"), "storage", kept)
    return kept


@pytest.fixture
def asking() -> Callable[..., Any]:
    """Register a workflow that asks once and returns the result: `asking(timeout="7d")`."""

    def make(name: str = "onboarding", **options: Any) -> Any:
        asked = {
            "type": "kyc-review",
            "assign_to": "compliance-team",
            "data": DATA,
            "form": KycDecision,
        } | options

        @workflow(name=name)
        async def onboarding(ctx: Context) -> object:
            return await human_task(ctx, "kyc", **asked)

        return onboarding

    return make


@pytest.fixture
def ask(runs: Runs, alice: User, bob: User, asking: Callable[..., Any]) -> Ask:
    """Start a run that asks Alice's and Bob's team, and return the task."""

    def make(initiator: object = None, **options: Any) -> HumanTask:
        run = runs.start(asking(**options), initiator=initiator)
        assert run.error is None, run.error
        return HumanTask.objects.get(run_id=run.id)

    return make


@pytest.fixture
def task(ask: Ask) -> HumanTask:
    return ask()


@pytest.fixture
def chief(person: Callable[..., User]) -> User:
    """Cleo checks what Alice's and Bob's team proposes, and is not in it."""
    return person("cleo", "compliance-leads", first_name="Cleo")


@pytest.fixture
def two_look(ask: Ask, chief: User) -> Ask:
    """A task whose answer another one has to check; `two_look(max_rounds=1)`."""

    def make(checker: str = "compliance-leads", **options: Any) -> HumanTask:
        type_options = options.pop("type_options", {})

        @human_task_type("two-look")
        class TwoLook(HumanTaskType):
            form = KycDecision
            review = FourEyes(checker, **options)
            claim_lease = type_options.get("claim_lease")
            skippable = True

        return ask(type="two-look", name=f"run-{uuid4()}")

    return make
