"""What a run's page offers besides cancel and retry: pause, resume, other beginnings, sleeps."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from pydantic import BaseModel

from dashboard.models import OperatorAction
from orchestrator import Context, Retry, Run, workflow
from orchestrator.models import Run as Row
from orchestrator.testing.runs import Runs
from tests.dashboard.conftest import HTMX, Member

ONCE = Retry(max_attempts=1)


class Paint(BaseModel):
    colour: str


def address(name: str, run: Run[Any]) -> str:
    return reverse(f"dashboard:{name}", args=[run.id])


def seen(run: Run[Any], **fields: object) -> dict[str, object]:
    """What a page that was made now sends."""
    row = Row.objects.get(id=run.id)
    return {"expected_rev": row.rev, "expected_status": row.status, "reason": "", **fields}


def offered(html: str) -> list[str]:
    """The verbs that the page offers, in its order."""
    return re.findall(r'id="do-(\w+)"', html)


def audit() -> list[tuple[str, str, str]]:
    rows = OperatorAction.objects.order_by("id")
    return [(row.action, row.outcome, row.detail) for row in rows]


@pytest.fixture
def sleeping(runs: Runs) -> Run[None]:
    @workflow(name="month")
    async def month(ctx: Context) -> None:
        await ctx.sleep("30d", name="until the bill")
        await ctx.wait_for_event("paid")

    return runs.start(month)


@pytest.fixture
def undone(runs: Runs) -> Run[int]:
    """A run that failed and has reacted to it, so that it cannot be retried."""

    @workflow(name="charge")
    async def charge(ctx: Context, euros: int) -> int:
        await ctx.step("reserve", int, euros)
        try:
            return await ctx.step("charge", int, "x", retry=ONCE)
        except ValueError:
            await ctx.step("release", int, euros)
            raise

    return runs.start(charge, 3)


def test_a_pause_and_what_ends_it(operator: Client, sleeping: Run[None]) -> None:
    paused = operator.post(address("pause", sleeping), seen(sleeping, reason="audit"), follow=True)

    assert sleeping.refresh().status == "paused"
    assert "The run is paused" in paused.content.decode()
    assert offered(paused.content.decode())[0] == "resume"
    resumed = operator.post(address("resume", sleeping), seen(sleeping), follow=True)
    assert sleeping.refresh().status == "waiting"
    assert "The run goes on" in resumed.content.decode()
    assert [(action, outcome) for action, outcome, _ in audit()] == [
        ("pause", "applied"),
        ("resume", "applied"),
    ]


def test_a_sleep_is_skipped_where_it_is_shown(operator: Client, sleeping: Run[None]) -> None:
    page = operator.get(address("run", sleeping)).content.decode()
    [link] = re.findall(rf'href="({address("skip_sleep_confirm", sleeping)}[^"]*)"', page)

    question = operator.get(link).content.decode()
    assert 'name="key" value="until the bill"' in question
    operator.post(address("skip_sleep", sleeping), seen(sleeping, key="until the bill"))

    assert [wait.kind for wait in sleeping.refresh().waiting_on] == ["event"]
    assert audit() == [("skip sleep", "applied", "Step until the bill")]


def test_a_back_off_ends_where_it_is_shown(operator: Client, runs: Runs) -> None:
    answers = iter(["x", "3"])

    def ask() -> int:
        return int(next(answers))

    @workflow(name="patient")
    async def patient(ctx: Context) -> int:
        return await ctx.step("ask", ask, retry=Retry(initial_delay="1h", max_delay="1h"))

    run = runs.start(patient)
    page = operator.get(address("run", run)).content.decode()
    assert f'href="{address("retry_now_confirm", run)}?key=ask"' in page

    operator.post(address("retry_now", run), seen(run, key="ask"))

    assert run.refresh().status == "completed"
    assert audit() == [("retry now", "applied", "Step ask")]


def test_a_run_that_cannot_be_retried_offers_what_leads_on(
    operator: Client, undone: Run[int]
) -> None:
    page = operator.get(address("run", undone)).content.decode()
    refused = operator.post(address("retry", undone), seen(undone), headers=HTMX)

    assert offered(page) == ["retry_from", "fork"]
    assert refused.status_code == 409
    dialog = refused.content.decode()
    assert "data-close" in dialog
    assert f'hx-get="{address("retry_from_confirm", undone)}"' in dialog
    assert f'hx-get="{address("fork_confirm", undone)}"' in dialog


def test_a_run_goes_on_from_a_step(operator: Client, runs: Runs, undone: Run[int]) -> None:
    question = operator.get(address("retry_from_confirm", undone) + "?step=charge")

    assert re.findall(r'<option value="(\w*)"( selected)?>', question.content.decode()) == [
        ("", ""),
        ("reserve", ""),
        ("charge", " selected"),
        ("release", ""),
    ]
    done = operator.post(address("retry_from", undone), seen(undone, step="charge"))
    assert done.status_code == 302
    assert audit() == [("retry from", "applied", "Step charge")]
    assert Row.objects.get(id=undone.id).generation == 2


def test_a_step_that_the_run_does_not_have_is_refused_in_the_engine_s_words(
    operator: Client, undone: Run[int]
) -> None:
    response = operator.post(address("retry_from", undone), seen(undone, step="chrage"))

    assert response.status_code == 409
    assert "It has: reserve, charge, release" in response.content.decode()


@pytest.mark.parametrize(("typed", "stored"), [("", "3"), (" 5 ", "5")])
def test_a_fork_leads_to_the_new_run(
    typed: str, stored: str, operator: Client, undone: Run[int]
) -> None:
    response = operator.post(
        address("fork", undone),
        seen(undone, step="charge", input=typed, token=uuid4()),
        headers=HTMX,
    )

    made = Row.objects.get(forked_from=undone.id)
    assert response.headers["HX-Redirect"] == reverse("dashboard:run", args=[made.id])
    assert made.input == stored
    assert undone.refresh().status == "failed"
    assert "This run is the fork" in operator.get(response.headers["HX-Redirect"]).content.decode()


def test_a_fork_that_is_sent_twice_is_one(operator: Client, undone: Run[int]) -> None:
    form = seen(undone, step="charge", input="", token=uuid4())

    first = operator.post(address("fork", undone), form)
    again = operator.post(address("fork", undone), form)

    assert first.headers["Location"] == again.headers["Location"]
    assert Row.objects.filter(forked_from=undone.id).count() == 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [("{", "This is not JSON"), ('"many"', "The input must be a whole number")],
)
def test_a_fork_with_a_wrong_input_is_explained_and_kept(
    typed: str, said: str, operator: Client, undone: Run[int]
) -> None:
    response = operator.post(
        address("fork", undone), seen(undone, step="charge", input=typed, token=uuid4())
    )

    assert response.status_code == 422
    assert said in response.content.decode()
    assert response.context["form"]["input"].value() == typed
    assert Row.objects.count() == 1


def test_a_field_that_a_fork_would_leave_out_is_refused(operator: Client, runs: Runs) -> None:
    @workflow(name="paint")
    async def paint(ctx: Context, wanted: Paint) -> None:
        await ctx.step("mix", dict)

    run = runs.start(paint, Paint(colour="red"))
    typed = '{"colour": "blue", "gloss": true}'

    response = operator.post(
        address("fork", run), seen(run, step="mix", input=typed, token=uuid4())
    )

    assert response.status_code == 422
    assert "gloss is unknown. There is colour." in response.content.decode()
    assert Row.objects.count() == 1


def test_a_fork_needs_the_right_to_start(client: Client, member: Member, undone: Run[int]) -> None:
    user = member("Viewer")
    user.user_permissions.add(*permissions("view_run", "operate_run"))
    client.force_login(user)

    page = client.get(address("run", undone)).content.decode()

    assert offered(page) == ["retry_from"]
    assert client.get(address("fork_confirm", undone)).status_code == 403
    assert client.post(address("fork", undone), seen(undone, step="charge")).status_code == 403


def permissions(*names: str) -> list[Any]:
    return list(Permission.objects.filter(codename__in=names))


def test_a_step_offers_to_begin_at_it(operator: Client, undone: Run[int]) -> None:
    page = operator.get(address("run", undone) + "?step=charge").content.decode()

    assert f'href="{address("retry_from_confirm", undone)}?step=charge"' in page
    assert f'href="{address("fork_confirm", undone)}?step=charge"' in page


def test_a_viewer_is_offered_nothing(viewer: Client, undone: Run[int], sleeping: Run[None]) -> None:
    for run in (undone, sleeping):
        page = viewer.get(address("run", run) + "?step=charge").content.decode()
        assert "/confirm/" not in page
    for name in ("pause", "resume", "retry_from", "fork", "skip_sleep", "retry_now"):
        assert viewer.get(address(f"{name}_confirm", sleeping)).status_code == 403
        assert viewer.post(address(name, sleeping), seen(sleeping)).status_code == 403


@pytest.mark.parametrize(
    "name", ["pause", "resume", "retry_from", "fork", "skip_sleep", "retry_now"]
)
def test_each_question_works_without_a_script(
    name: str, operator: Client, sleeping: Run[None]
) -> None:
    html = operator.get(address(f"{name}_confirm", sleeping)).content.decode()

    assert f'method="post" action="{address(name, sleeping)}"' in html
    assert 'name="expected_rev"' in html
    assert "hx-post" not in html


@pytest.mark.parametrize("name", ["pause", "resume", "retry_from", "skip_sleep", "retry_now"])
def test_a_stale_page_changes_nothing(
    name: str, operator: Client, runs: Runs, sleeping: Run[None]
) -> None:
    old = seen(sleeping, step="until the bill", key="until the bill")
    runs.send_event(sleeping, "another", {})

    response = operator.post(address(name, sleeping), old)

    assert response.status_code == 409
    assert "The run has changed since your page was made" in response.content.decode()
    assert sleeping.refresh().status == "waiting"
    assert [outcome for _, outcome, _ in audit()] == ["rejected"]
