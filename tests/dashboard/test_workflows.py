"""The catalogue, and the form that starts a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from pydantic import BaseModel, Field

from dashboard.inputs import expected
from dashboard.models import OperatorAction
from orchestrator import Context, Run, state, state_machine, workflow
from orchestrator.models import Run as Row
from orchestrator.testing.runs import Runs
from orchestrator.workflow import Workflow
from tests.dashboard.conftest import HTMX

CATALOGUE = "/ops/workflows/"


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


@dataclass
class Parcel:
    weight: Decimal
    size: Size = Size.SMALL
    stamps: list[int] = field(default_factory=list)


class Shipment(BaseModel):
    to: str = Field(description="A name")
    on: date
    parcel: Parcel
    note: str | None = None


@pytest.fixture
def ship() -> Workflow[Shipment, str]:
    @workflow(name="shop/ship", version="2")
    async def ship(ctx: Context, shipment: Shipment) -> str:
        """Send a parcel.

        And more that the list leaves out.
        """
        await ctx.wait_for_event("delivered")
        return shipment.to

    return ship


class Loose(BaseModel, extra="allow"):
    to: str = Field(alias="recipient")


GOOD = '{"to": "Ana", "on": "2026-01-05", "parcel": {"weight": "1.50"}}'


def send(
    browser: Client,
    name: str = "shop/ship",
    headers: dict[str, str] | None = None,
    **fields: object,
) -> object:
    form = {"version": "2", "input": GOOD, "key": "", "token": uuid4()}
    return browser.post(reverse("dashboard:start", args=[name]), form | fields, headers=headers)


def test_the_catalogue_shows_versions_and_what_is_under_way(
    operator: Client, runs: Runs, ship: Workflow[Shipment, str]
) -> None:
    @workflow(name="shop/ship", version="10")
    async def newer(ctx: Context) -> None: ...

    runs.start(ship, {"to": "Ana", "on": "2026-01-05", "parcel": {"weight": 1}}, version="2")
    Row.objects.create(
        workflow="shop/ship",
        version="1",
        status="paused",
        input="null",
        created_at=Row.objects.get().created_at,
    )

    response = operator.get(CATALOGUE)

    [found] = [one for one in response.context["workflows"] if one.name == "shop/ship"]
    assert [(one.version, one.active, one.is_default) for one in found.versions] == [
        ("1", 1, False),
        ("10", 0, True),
        ("2", 1, False),
    ]
    assert "no code here" in response.content.decode()


def test_the_catalogue_says_what_a_workflow_is(
    operator: Client, ship: Workflow[Shipment, str]
) -> None:
    page = operator.get(CATALOGUE).content.decode()

    assert "Send a parcel." in page
    assert "And more" not in page
    assert "Shipment" in page
    assert reverse("dashboard:start_form", args=["shop/ship"]) in page


def test_the_page_of_a_workflow_says_what_it_takes_and_leads_on(
    operator: Client, runs: Runs, ship: Workflow[Shipment, str]
) -> None:
    runs.start(ship, {"to": "Ana", "on": "2026-01-05", "parcel": {"weight": "1.50"}})

    page = operator.get(f"{CATALOGUE}shop/ship/").content.decode()

    for part in ("Send a parcel.", "1 run under way", "Fields of Shipment", "<code>parcel</code>"):
        assert part in page
    assert f'href="{reverse("dashboard:start_form", args=["shop/ship"])}"' in page
    assert 'href="/ops/runs/?workflow=shop%2Fship"' in page
    assert 'class="diagram"' not in page
    assert operator.get(f"{CATALOGUE}no-such/").status_code == 404


def test_the_page_of_a_machine_shows_its_states(operator: Client) -> None:
    state_machine(
        name="door",
        context={"pushes": 0},
        initial="open",
        states={"open": state(on={"PUSH": "shut"}), "shut": state(type="final")},
    )

    page = operator.get(f"{CATALOGUE}door/").content.decode()

    assert 'class="diagram"' in page
    assert "PUSH" in page


def test_only_who_may_start_is_offered_to(viewer: Client, ship: Workflow[Shipment, str]) -> None:
    assert "start/" not in viewer.get(CATALOGUE).content.decode()


def test_the_form_begins_with_an_example(operator: Client, ship: Workflow[Shipment, str]) -> None:
    page = operator.get(reverse("dashboard:start_form", args=["shop/ship"])).content.decode()

    assert "&quot;to&quot;: &quot;&quot;" in page
    assert "A name" in page


def test_the_example_has_the_shape_of_the_input(ship: Workflow[Shipment, str]) -> None:
    takes = expected(ship.definition)

    assert takes is not None
    assert takes.type == "Shipment"
    assert [(one.name, one.type, one.is_required) for one in takes.fields] == [
        ("to", "string", True),
        ("on", "date", True),
        ("parcel", "Parcel", True),
        ("note", "string or null", False),
    ]
    assert '"stamps": []' in takes.example


@pytest.mark.parametrize("kind", [int, dict[str, int], list[Shipment], Size, object])
def test_any_type_has_an_example(kind: type) -> None:
    @workflow(name="any")
    async def any_(ctx: Context, value: kind) -> None: ...  # type: ignore[valid-type]

    any_.definition.fn.__annotations__["value"] = kind

    assert expected(any_.definition) is not None


def test_start(operator: Client, ship: Workflow[Shipment, str]) -> None:
    response = send(operator, key="s-1")

    run = Row.objects.get()
    assert response.headers["Location"] == reverse("dashboard:run", args=[run.id])
    assert (run.workflow, run.version, run.idempotency_key) == ("shop/ship", "2", "s-1")
    assert run.initiator == "operator"
    row = OperatorAction.objects.get()
    assert (row.action, row.run_id, row.outcome) == ("start", run.id, "applied")


def test_a_workflow_without_input(operator: Client) -> None:
    @workflow(name="nightly")
    async def nightly(ctx: Context) -> None: ...

    page = operator.get(reverse("dashboard:start_form", args=["nightly"])).content.decode()
    send(operator, "nightly", version="1", input="ignored")

    assert 'name="input"' not in page
    assert Row.objects.get().input == "null"


def test_the_same_form_twice_starts_one_run(
    operator: Client, ship: Workflow[Shipment, str]
) -> None:
    token = uuid4()

    first = send(operator, token=token)
    again = send(operator, token=token)

    assert first.headers["Location"] == again.headers["Location"]
    assert Row.objects.count() == OperatorAction.objects.count() == 1


def test_a_known_key_leads_to_its_run(operator: Client, ship: Workflow[Shipment, str]) -> None:
    first = send(operator, key="s-1")
    again = send(operator, key="s-1")

    assert first.headers["Location"] == again.headers["Location"]
    assert Row.objects.count() == 1
    page = operator.get(again.headers["Location"]).content.decode()
    assert "this run was started before" in page


def test_a_known_key_with_another_input(operator: Client, ship: Workflow[Shipment, str]) -> None:
    first = send(operator, key="s-1")

    response = send(operator, key="s-1", input=GOOD.replace("Ana", "Bob"))

    assert response.status_code == 409
    assert first.headers["Location"] in response.content.decode()
    assert response.context["form"]["input"].value() == GOOD.replace("Ana", "Bob")
    assert Row.objects.count() == 1


def test_a_form_that_htmx_sends_leads_to_the_run(
    operator: Client, ship: Workflow[Shipment, str]
) -> None:
    response = send(operator, headers=HTMX)

    run = Row.objects.get()
    assert response.headers["HX-Redirect"] == reverse("dashboard:run", args=[run.id])
    page = operator.get(response.headers["HX-Redirect"]).content.decode()
    assert "The run has been started" in page


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "This is not JSON"),
        ("", "This field is required"),
        ('{"to": NaN}', "NaN is not a JSON number"),
        ("[" * 100_000, "This cannot be read"),
        ("9" * 5_000, "This cannot be read"),
        ('{"to": 3}', "to must be text, in double quotes."),
        (GOOD.replace("1.50", "heavy"), "parcel.weight must be a number; write it as text"),
        ('{"to": "Ana"}', "on is missing."),
        ("[]", "The input must be an object"),
        (
            GOOD.replace("{", '{"colour": 1, ', 1),
            "colour is unknown. There is to, on, parcel, note",
        ),
        (GOOD.replace('{"w', '{"x": 1, "w'), "parcel.x is unknown. There is weight, size, stamps"),
        (GOOD.replace("Ana", "x" * 1_048_576), "the limit is 1,048,576"),
        (GOOD.replace("Ana", "\\u0000"), "NUL"),
        (GOOD.replace("Ana", "\\ud800"), "surrogate"),
    ],
)
def test_a_wrong_input_is_explained_and_kept(
    text: str, message: str, operator: Client, ship: Workflow[Shipment, str]
) -> None:
    response = send(operator, input=text)

    assert response.status_code == 422
    assert message in response.content.decode().replace("&#x27;", "'")
    assert response.context["form"]["input"].value() == text
    assert Row.objects.count() == OperatorAction.objects.count() == 0


def test_a_type_that_keeps_other_fields_gets_them(operator: Client) -> None:
    @workflow(name="loose")
    async def loose(ctx: Context, wanted: Loose) -> None: ...

    text = '{"recipient": "Ana", "colour": "red"}'

    assert send(operator, "loose", version="1", input=text).status_code == 302
    assert '"colour":"red"' in Row.objects.get().input


def test_a_form_that_is_too_large_says_how_large_it_may_be(
    client: Client, settings: LazySettings
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000

    form = urlencode({"username": "x" * 2_000})
    response = client.post("/accounts/login/", form, "application/x-www-form-urlencoded")

    assert response.status_code == 413
    assert "A form may send 1000" in response.content.decode()


@pytest.mark.parametrize(
    "fields", [{"version": "3"}, {"token": "x"}, {"key": "k" * 256}, {"key": "\x00"}]
)
def test_a_form_that_was_tampered_with_is_refused(
    fields: dict[str, str], operator: Client, ship: Workflow[Shipment, str]
) -> None:
    assert send(operator, **fields).status_code == 422
    assert Row.objects.count() == 0


def test_a_workflow_that_is_not_there(operator: Client) -> None:
    assert operator.get(reverse("dashboard:start_form", args=["no-such"])).status_code == 404
    assert send(operator, "no-such").status_code == 404


def test_the_number_of_queries(
    operator: Client, waiting: Run[None], django_assert_num_queries: pytest.FixtureRequest
) -> None:
    operator.get(CATALOGUE)

    # Session 1, user 1, their permissions 2, active runs by version 1, the numbers of the inbox 1.
    with django_assert_num_queries(6):
        operator.get(CATALOGUE)


def test_a_start_above_the_rate_is_refused_with_the_time_to_wait(operator: Client) -> None:
    @workflow(name="rated", start_rate="1/m")
    async def rated(ctx: Context) -> None: ...

    send(operator, "rated", version="1", input="")

    response = send(operator, "rated", version="1", input="")

    assert response.status_code == 422
    assert "rated is started at most 1/m; the next may be in" in response.content.decode()
    assert Row.objects.count() == 1
