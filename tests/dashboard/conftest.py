"""What the tests of the operators' pages share: people with roles, and runs to look at."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from orchestrator import Context, Retry, Run, workflow
from orchestrator.testing.runs import Runs
from tests.conftest import Person

HTMX = {"HX-Request": "true"}

LoggedIn = Callable[[str], Client]
Member = Callable[[str], User]


@pytest.fixture
def member(person: Person, transactional_db: None) -> Member:
    """A person of a role: Viewer, Operator or Admin; anything else has no permission."""

    def make(role: str) -> User:
        user = person(role.lower())
        user.groups.set(Group.objects.filter(name=role))
        return user

    return make


@pytest.fixture
def logged_in(member: Member) -> LoggedIn:
    """A browser in which somebody of that role is logged in."""

    def log_in(role: str) -> Client:
        client = Client()
        client.force_login(member(role))
        return client

    return log_in


@pytest.fixture
def operator(logged_in: LoggedIn) -> Client:
    return logged_in("Operator")


@pytest.fixture
def viewer(logged_in: LoggedIn) -> Client:
    return logged_in("Viewer")


@pytest.fixture
def waiting(runs: Runs) -> Run[None]:
    """A run that waits for an event."""

    @workflow(name="signature", version="2")
    async def signature(ctx: Context, document: dict[str, str]) -> None:
        await ctx.step("draft", dict, document)
        await ctx.wait_for_event("document.signed", key="d-1", timeout="5d")

    return runs.start(signature, {"id": "d-1", "password": "hunter2"}, initiator="ana")


class CardDeclined(Exception):
    pass


@pytest.fixture
def failed(runs: Runs) -> Run[None]:
    """A run that failed after two attempts of its second step."""

    def charge() -> None:
        raise CardDeclined("no funds on card, token=tok-4711")

    @workflow(name="order", version="1")
    async def order(ctx: Context) -> None:
        await ctx.step("reserve", dict)
        await ctx.step("charge", charge, retry=Retry(max_attempts=2, initial_delay="1s"))

    run = runs.start(order, idempotency_key="o-1")
    runs.advance("2s")
    return run.refresh()
