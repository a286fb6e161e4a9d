"""Cancel and retry: asked about, done once, to the run that was seen, and written down."""

from __future__ import annotations

import asyncio
import contextlib
from threading import Barrier, Thread
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import DatabaseError, connection
from django.db.models import ProtectedError
from django.test import Client
from django.urls import reverse

from dashboard import actions
from dashboard.audit import Actor
from dashboard.models import OperatorAction
from orchestrator import Context, Retry, Run, workflow
from orchestrator.core.ids import uuid7
from orchestrator.models import Run as Row
from orchestrator.testing.runs import Runs
from tests.dashboard.conftest import HTMX, Member

ONCE = Retry(max_attempts=1)


def address(name: str, run: Run[Any]) -> str:
    return reverse(f"dashboard:{name}", args=[run.id])


def seen(run: Run[Any], **fields: object) -> dict[str, object]:
    """What a page that was made now sends."""
    row = Row.objects.get(id=run.id)
    return {"expected_rev": row.rev, "expected_status": row.status, "reason": "", **fields}


def audit() -> list[tuple[str, str, str]]:
    rows = OperatorAction.objects.order_by("id")
    return [(row.action, row.outcome, row.actor_label) for row in rows]


def test_cancel(operator: Client, waiting: Run[None]) -> None:
    response = operator.post(address("cancel", waiting), seen(waiting, reason="Wrong document"))

    assert response.status_code == 302
    assert response.headers["Location"] == address("run", waiting)
    assert waiting.refresh().status == "cancelled"
    assert "Wrong document" in operator.get(address("run", waiting)).content.decode()


def test_retry_continues_and_keeps_what_is_done(operator: Client, runs: Runs) -> None:
    calls: list[str] = []
    is_up = False

    def call(name: str) -> None:
        calls.append(name)
        if name == "b" and not is_up:
            raise ConnectionError("down")

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("a", call, "a")
        await ctx.step("b", call, "b", retry=ONCE)

    run = runs.start(w)
    is_up = True

    response = operator.post(address("retry", run), seen(run))

    assert response.status_code == 302
    assert run.refresh().status == "completed"
    assert calls == ["a", "b", "b"]


def test_every_action_is_written_down(operator: Client, waiting: Run[None]) -> None:
    operator.post(address("cancel", waiting), seen(waiting, reason="Wrong document"))

    row = OperatorAction.objects.get()
    assert (row.actor_label, row.action, row.run_id) == ("operator", "cancel", waiting.id)
    assert (row.outcome, row.reason, row.detail) == ("applied", "Wrong document", "")
    assert (row.before_status, row.after_status, row.ip) == ("waiting", "waiting", "127.0.0.1")
    tab = operator.get(address("run", waiting) + "?tab=audit").content.decode()
    assert "Wrong document" in tab
    assert "Waiting → Stopping" in tab


def test_the_message_after_a_cancel_says_what_became_of_the_run(
    operator: Client, runs: Runs, waiting: Run[None]
) -> None:
    @workflow(name="tidy")
    async def tidy(ctx: Context) -> None:
        try:
            await ctx.sleep("1d")
        finally:
            await ctx.sleep("1h")

    for run, said in (
        (waiting, "The run is cancelled"),
        (runs.start(tidy), "No further step starts; the run ends after its cleanup"),
    ):
        page = operator.post(address("cancel", run), seen(run, reason="x"), follow=True)
        assert said in page.content.decode()


def test_an_action_that_fails_leaves_no_row_and_no_change(
    operator: Client, waiting: Run[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr("orchestrator.operating.deeds._witnesses", [fail])

    with pytest.raises(DatabaseError):
        operator.post(address("cancel", waiting), seen(waiting, reason="x"))

    assert Row.objects.get(id=waiting.id).cancel_requested_at is None
    assert audit() == []


def test_a_stale_page_changes_nothing(operator: Client, runs: Runs, waiting: Run[None]) -> None:
    old = seen(waiting, reason="Too slow")
    runs.send_event(waiting, "document.signed", {}, key="d-1")

    response = operator.post(address("cancel", waiting), old)

    assert response.status_code == 409
    page = response.content.decode()
    assert "it was waiting, now it is completed" in page
    assert address("run", waiting) in page
    assert waiting.refresh().status == "completed"
    assert audit() == [("cancel", "rejected", "operator")]


def test_a_stale_page_of_a_run_with_the_same_status(
    operator: Client, runs: Runs, waiting: Run[None]
) -> None:
    old = seen(waiting, reason="x")
    runs.send_event(waiting, "another", {})

    response = operator.post(address("cancel", waiting), old)

    assert response.status_code == 409
    assert waiting.refresh().status == "waiting"


def test_a_run_that_keeps_running_can_be_stopped(operator: Client, waiting: Run[None]) -> None:
    Row.objects.filter(id=waiting.id).update(status="running", owned=True)
    old = seen(waiting, reason="x")
    Row.objects.filter(id=waiting.id).update(rev=99)

    assert operator.post(address("cancel", waiting), old).status_code == 302
    assert Row.objects.get(id=waiting.id).cancel_requested_at is not None


def test_the_same_post_twice_changes_nothing_more(operator: Client, failed: Run[None]) -> None:
    form = seen(failed)

    first = operator.post(address("retry", failed), form)
    again = operator.post(address("retry", failed), form)

    assert (first.status_code, again.status_code) == (302, 409)
    assert [outcome for _, outcome, _ in audit()] == ["applied", "rejected"]


def test_what_the_state_does_not_allow_is_refused_in_the_engine_s_words(
    operator: Client, waiting: Run[None]
) -> None:
    response = operator.post(address("retry", waiting), seen(waiting))

    assert response.status_code == 409
    refusal = "only a failed run can be retried; this one is waiting"
    assert refusal.capitalize() in response.content.decode()
    assert OperatorAction.objects.get().detail == refusal


def test_a_retry_after_compensation_is_refused_in_the_engine_s_words(
    operator: Client, runs: Runs
) -> None:
    def fail() -> None:
        raise ConnectionError("down")

    @workflow(name="w")
    async def w(ctx: Context) -> None:
        try:
            await ctx.step("charge", fail, retry=ONCE)
        except ConnectionError:
            await ctx.step("refund", dict)
            raise

    run = runs.start(w)

    response = operator.post(address("retry", run), seen(run))

    assert response.status_code == 409
    assert "the workflow went on and did refund" in response.content.decode()
    assert run.refresh().status == "failed"


def test_a_cancel_that_was_asked_for_before_is_refused(operator: Client, runs: Runs) -> None:
    @workflow(name="stubborn")
    async def stubborn(ctx: Context) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await ctx.wait_for_event("never")
        await ctx.wait_for_event("really-never")

    run = runs.start(stubborn)
    run.cancel()

    response = operator.post(address("cancel", run), seen(run, reason="again"))

    assert response.status_code == 409
    assert "It has been asked to stop" in response.content.decode()


def test_a_cancel_needs_a_reason(operator: Client, waiting: Run[None]) -> None:
    response = operator.post(address("cancel", waiting), seen(waiting))

    assert response.status_code == 422
    assert "Say why the run is to stop." in response.content.decode()
    assert waiting.refresh().status == "waiting"
    assert audit() == []


@pytest.mark.parametrize("field", ["expected_rev", "expected_status"])
@pytest.mark.parametrize("value", ["", "x"])
def test_a_form_without_what_was_seen_is_refused(
    field: str, value: str, operator: Client, waiting: Run[None]
) -> None:
    form = seen(waiting, reason="x", **{field: value})

    assert operator.post(address("cancel", waiting), form).status_code == 422
    assert waiting.refresh().status == "waiting"


def test_other_fields_are_ignored(operator: Client, waiting: Run[None]) -> None:
    operator.post(address("cancel", waiting), seen(waiting, reason="x", actor="1", outcome="y"))

    assert OperatorAction.objects.get().actor_label == "operator"


def test_a_run_that_is_not_there(operator: Client, waiting: Run[None]) -> None:
    url = reverse("dashboard:cancel", args=[uuid7()])

    assert operator.post(url, seen(waiting, reason="x")).status_code == 404
    assert audit() == []


def test_a_viewer_may_not_act_and_leaves_no_row(viewer: Client, waiting: Run[None]) -> None:
    response = viewer.post(address("cancel", waiting), seen(waiting, reason="x"))

    assert response.status_code == 403
    assert waiting.refresh().status == "waiting"
    assert audit() == []


# ---- asking first ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cancel", "retry"])
def test_the_question_is_a_page_with_everything_to_send(
    name: str, operator: Client, failed: Run[None]
) -> None:
    response = operator.get(address(f"{name}_confirm", failed))

    html = response.content.decode()
    assert response.status_code == 200
    assert f'action="{address(name, failed)}"' in html
    rev = Row.objects.get(id=failed.id).rev
    assert f'name="expected_rev" value="{rev}"' in html
    assert 'name="csrfmiddlewaretoken"' in html
    assert "hx-post" not in html
    assert audit() == []


def test_the_question_is_a_dialog_with_htmx(operator: Client, failed: Run[None]) -> None:
    html = operator.get(address("retry_confirm", failed), headers=HTMX).content.decode()

    assert html.lstrip().startswith('<form class="confirm"')
    assert f'hx-post="{address("retry", failed)}"' in html


def test_the_question_says_when_it_is_of_no_use(operator: Client, waiting: Run[None]) -> None:
    html = operator.get(address("retry_confirm", waiting)).content.decode()

    assert "Retry is available after the run fails" in html


def test_htmx_closes_the_dialog_says_so_and_asks_again(operator: Client, failed: Run[None]) -> None:
    response = operator.post(address("retry", failed), seen(failed), headers=HTMX)

    assert response.status_code == 204
    for event in ("dialog-close", "toast", "changed"):
        assert event in response.headers["HX-Trigger"]


def test_htmx_shows_a_refusal_in_the_dialog(operator: Client, waiting: Run[None]) -> None:
    response = operator.post(address("retry", waiting), seen(waiting), headers=HTMX)

    assert response.status_code == 409
    assert response.content.decode().lstrip().startswith('<div class="confirm" id="refused"')


def test_what_is_of_no_use_is_shown_with_the_reason(operator: Client, failed: Run[None]) -> None:
    html = operator.get(address("run", failed)).content.decode()

    assert 'aria-disabled="true" aria-describedby="why-cancel"' in html
    assert '<p class="note" id="why-cancel">The run has ended: failed</p>' in html


# ---- the audit itself ------------------------------------------------------------------


@pytest.fixture
def row(operator: Client, waiting: Run[None]) -> OperatorAction:
    operator.post(address("cancel", waiting), seen(waiting, reason="x"))
    return OperatorAction.objects.get()


def test_the_audit_is_never_changed(row: OperatorAction) -> None:
    row.reason = "another"
    for change in (
        row.save,
        row.delete,
        OperatorAction.objects.all().delete,
        lambda: OperatorAction.objects.update(reason="another"),
    ):
        with pytest.raises(TypeError, match="what operators did"):
            change()

    assert OperatorAction.objects.get().reason == "x"


def test_who_acted_cannot_be_deleted(row: OperatorAction) -> None:
    with pytest.raises(ProtectedError):
        User.objects.get(username="operator").delete()


@pytest.mark.postgres
@pytest.mark.parametrize(
    "statement",
    ["UPDATE dashboard_operatoraction SET reason = ''", "DELETE FROM dashboard_operatoraction"],
)
def test_the_database_refuses_to_change_the_audit(statement: str, row: OperatorAction) -> None:
    with connection.cursor() as cursor, pytest.raises(DatabaseError, match="never changed"):
        cursor.execute(statement)


@pytest.mark.postgres
def test_of_two_operators_at_once_one_is_refused(
    failed: Run[None], member: Member, settings: LazySettings
) -> None:
    # Nobody drives the run in between.
    settings.ORCHESTRATOR_HINTS = False
    actor = Actor(label="operator", user=member("Operator"))
    form = seen(failed)
    order = actions.Order(
        actor=actor,
        expected_rev=int(str(form["expected_rev"])),
        expected_status=str(form["expected_status"]),
    )
    barrier, answers = Barrier(2), []

    def act() -> None:
        barrier.wait()
        answers.append(actions.retry(failed.id, order).applied)
        connection.close()

    threads = [Thread(target=act) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [False, True]
    assert sorted(outcome for _, outcome, _ in audit()) == ["applied", "rejected"]


def test_a_fork_that_is_sent_twice_makes_one_run(waiting: Run[None], member: Member) -> None:
    order = actions.Order(actor=Actor(label="operator", user=member("Operator")))
    token = uuid7()

    first, again = (actions.fork(waiting.id, order, step="draft", token=token) for _ in range(2))

    assert first.made == again.made
    assert Row.objects.filter(forked_from_id=waiting.id).count() == 1
