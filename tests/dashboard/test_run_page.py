"""The page of one run: its head, what it waits for, what is wrong, and the tabs."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from humantasks import human_task
from humantasks.models import HumanTask
from orchestrator import Context, Retry, Run, clock, workflow
from orchestrator.core.definition import registry
from orchestrator.core.ids import uuid7
from orchestrator.models import Run as Row
from orchestrator.testing.runs import Runs
from tests.dashboard.conftest import HTMX, LoggedIn


def address(run: Run[None], query: str = "") -> str:
    return reverse("dashboard:run", args=[run.id]) + query


def page(browser: Client, run: Run[None], query: str = "") -> str:
    response = browser.get(address(run, query))
    assert response.status_code == 200
    return response.content.decode()


def words(html: str) -> str:
    """The text of a page, as a person reads it."""
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", html).split()))


def test_the_head_says_what_it_is(operator: Client, waiting: Run[None]) -> None:
    html = page(operator, waiting)

    title = re.search(r"<title>(.*?)</title>", html)
    assert title is not None
    assert title[1] == f"signature {waiting.id.hex[-8:]}: waiting"
    assert f'data-copy="{waiting.id}"' in html
    assert "by ana" in words(html)


def test_an_unknown_run_is_not_found(operator: Client) -> None:
    assert operator.get(reverse("dashboard:run", args=[uuid7()])).status_code == 404


# ---- what it waits for -----------------------------------------------------------------


def test_it_names_the_event_its_key_and_its_time(operator: Client, waiting: Run[None]) -> None:
    text = words(page(operator, waiting))

    assert "Waiting for the event document.signed with the key d-1" in text
    # Five days, less what has passed since, which may be nothing.
    assert re.search(r"times out in [45] d", text)


def test_it_leads_to_the_human_task_whoever_may_open_it(
    operator: Client, logged_in: LoggedIn, runs: Runs
) -> None:
    group, _ = Group.objects.get_or_create(name="compliance-team")
    lead = logged_in("Viewer")
    User.objects.get(pk=lead.session["_auth_user_id"]).groups.add(group)

    @workflow(name="kyc")
    async def kyc(ctx: Context) -> None:
        await human_task(ctx, "review", type="kyc-review", assign_to="compliance-team")

    run = runs.start(kyc)
    task = HumanTask.objects.get(run_id=run.id)

    html = page(operator, run)

    assert f"#{task.ref} · compliance-team · unclaimed" in words(html)
    address = reverse("humantasks:task", args=[task.id])
    assert address not in html
    assert address in page(lead, run)


def test_a_sleep_says_until_when(operator: Client, runs: Runs) -> None:
    @workflow(name="renewal")
    async def renewal(ctx: Context) -> None:
        await ctx.sleep("30d")

    assert "Sleeping until" in words(page(operator, runs.start(renewal)))


def test_what_executes_is_named(operator: Client, waiting: Run[None]) -> None:
    since = (clock.now() - timedelta(seconds=75)).isoformat()
    Row.objects.filter(id=waiting.id).update(
        status="running",
        owned=True,
        worker="worker-1",
        due_at=clock.now() + timedelta(minutes=1),
        in_flight=[{"key": "upload", "attempt": 2, "started_at": since}],
    )

    html = page(operator, waiting, "?step=upload")

    assert re.search(r"Executes upload , attempt 2, for 1 m 1\d s on worker-1", words(html))
    assert '<tr aria-selected="true"' in html


def test_a_child_and_its_parent_lead_to_each_other(operator: Client, runs: Runs) -> None:
    @workflow(name="invoice")
    async def invoice(ctx: Context) -> None:
        await ctx.wait_for_event("paid")

    @workflow(name="purchase")
    async def purchase(ctx: Context) -> None:
        await ctx.start_child(invoice)

    parent = runs.start(purchase)
    child = Row.objects.get(workflow="invoice")

    assert reverse("dashboard:run", args=[child.id]) in page(operator, parent)
    assert str(child.id) in page(operator, parent, "?step=invoice")
    html = operator.get(reverse("dashboard:run", args=[child.id])).content.decode()
    assert f"child of {parent.id.hex[-8:]}" in words(html)


def test_a_step_that_may_or_may_not_have_happened(operator: Client, runs: Runs) -> None:
    @workflow(name="transfer")
    async def transfer(ctx: Context) -> None:
        await ctx.step("pay", dict, at_most_once=True)

    runs.crash_at("after_body", step="pay")
    run = runs.start(transfer)
    runs.drain()

    text = words(page(operator, run, "?step=pay"))

    assert "pay may or may not have happened" in text
    assert "pay Ambiguous" in text
    assert "may or may not have happened" in operator.get("/ops/runs/").content.decode()
    # As long as a worker owns the run it executes the step.
    Row.objects.filter(id=run.id).update(owned=True, status="running")
    assert "pay Running" in words(page(operator, run, "?step=pay"))


def test_a_paused_run_says_so(operator: Client, waiting: Run[None]) -> None:
    waiting.pause()

    text = words(page(operator, waiting))

    assert "Paused: no further step starts" in text
    assert "Waiting for the event document.signed" in text


def test_a_run_that_waits_for_a_place(operator: Client, runs: Runs) -> None:
    @workflow(name="export", max_concurrent=1)
    async def export(ctx: Context) -> None:
        await ctx.wait_for_event("done")

    runs.start(export)
    second = runs.start(export)

    assert "Waiting for a free place: 1 run of export" in words(page(operator, second))
    assert "a free place among" in operator.get("/ops/runs/").content.decode()


def test_a_whole_run_that_is_tried_again(operator: Client, runs: Runs) -> None:
    def fail() -> None:
        raise ConnectionError("down")

    @workflow(name="sync", retry=Retry(initial_delay="10m"))
    async def sync(ctx: Context) -> None:
        await ctx.step("pull", fail, retry=Retry(max_attempts=1))

    run = runs.start(sync)

    assert "Retrying the whole run : attempt 2" in words(page(operator, run))
    assert "the whole run" in operator.get("/ops/runs/").content.decode()


def test_attributes_and_progress(operator: Client, runs: Runs) -> None:
    @workflow(name="import")
    async def imports(ctx: Context) -> None:
        ctx.set_attributes(country="AT", token="tok-4711")
        ctx.set_progress(0.4, "12 of 30 documents")
        await ctx.wait_for_event("go")

    html = page(operator, runs.start(imports))

    assert "country AT" in words(html)
    assert "tok-4711" not in html
    assert "12 of 30 documents" in html


# ---- what is wrong ---------------------------------------------------------------------


def codes(browser: Client, run: Run[None]) -> list[str]:
    return [one.code for one in browser.get(address(run)).context["diagnoses"]]


def test_a_run_that_goes_as_it_should_has_no_diagnosis(
    operator: Client, waiting: Run[None]
) -> None:
    assert codes(operator, waiting) == []


def test_a_due_run_that_nobody_takes(operator: Client, waiting: Run[None]) -> None:
    Row.objects.filter(id=waiting.id).update(due_at=clock.now() - timedelta(seconds=9))
    assert codes(operator, waiting) == []

    Row.objects.filter(id=waiting.id).update(due_at=clock.now() - timedelta(seconds=30))
    assert codes(operator, waiting) == ["no-worker"]
    assert re.search(r"No worker has taken it for 3\d\.\d s", words(page(operator, waiting)))


def test_a_worker_that_has_gone_silent(operator: Client, waiting: Run[None]) -> None:
    Row.objects.filter(id=waiting.id).update(
        status="running", owned=True, worker="w-7", due_at=clock.now() - timedelta(seconds=20)
    )

    assert codes(operator, waiting) == ["lease-expired"]
    assert "w-7 died, hangs or has lost the database" in words(page(operator, waiting))


def test_a_version_that_has_no_code(operator: Client, waiting: Run[None]) -> None:
    del registry._by_name["signature"]

    assert codes(operator, waiting) == ["no-code"]


def test_an_event_with_another_key(operator: Client, runs: Runs, waiting: Run[None]) -> None:
    runs.send_event(waiting, "document.signed", {}, key="d-2")

    assert codes(operator, waiting) == ["wrong-key"]
    assert "document.signed has come, with the key d-2" in words(page(operator, waiting))


def test_a_blocked_run_shows_what_the_journal_has_and_what_the_code_asked(
    operator: Client, viewer: Client, runs: Runs
) -> None:
    names = ["load"]

    @workflow(name="changing")
    async def changing(ctx: Context) -> None:
        await ctx.step(names[0], dict)
        await ctx.wait_for_event("go")

    run = runs.start(changing)
    names[0] = "fetch"
    runs.send_event(run, "go")

    text = words(page(operator, run))
    assert "it was changed while the run was under way" in text
    assert "The journal has step 'load'" in text
    assert "The code asked for step 'fetch'" in text
    # It names steps and no values, so everybody may read it.
    assert "step 'load'" in words(page(viewer, run))


def test_a_failed_run_explains_itself(operator: Client, failed: Run[None]) -> None:
    html = page(operator, failed)

    assert "The step charge failed, and the run ended with its error" in words(html)
    assert "no funds on card, token=•••• redacted" in html
    assert "tok-4711" not in html
    assert "in charge</summary>" in html
    assert re.search(r"\d frames? of libraries and the engine", html)


def test_a_run_whose_time_was_over_is_not_offered_a_retry(operator: Client, runs: Runs) -> None:
    @workflow(name="slow", timeout="1h")
    async def slow(ctx: Context) -> None:
        await ctx.wait_for_event("never")

    run = runs.start(slow)
    runs.advance("2h")

    text = words(page(operator, run))
    assert "It took longer than its workflow allows a run." in text
    assert "The run's time is over" in text


def test_an_error_is_its_type_to_who_may_not_see_payloads(
    viewer: Client, failed: Run[None]
) -> None:
    html = page(viewer, failed, "?step=charge")

    assert "CardDeclined" in html
    assert "orchestrator.view_payload" in html
    assert "no funds" not in html
    assert "in charge</summary>" not in html


# ---- live ------------------------------------------------------------------------------


def test_a_run_that_has_not_changed_is_not_sent_again(
    operator: Client, runs: Runs, waiting: Run[None]
) -> None:
    tag = operator.get(address(waiting)).context["tag"]

    unchanged = operator.get(address(waiting), headers={**HTMX, "X-Seen": tag})
    runs.send_event(waiting, "document.signed", {}, key="d-1")
    changed = operator.get(address(waiting), headers={**HTMX, "X-Seen": tag})

    assert (unchanged.status_code, unchanged.content) == (204, b"")
    assert changed.content.decode().lstrip().startswith('<div class="stack" id="run"')
    assert "HX-Request" in changed.headers["Vary"]


def test_a_claimed_task_is_news(operator: Client, runs: Runs) -> None:
    @workflow(name="kyc")
    async def kyc(ctx: Context) -> None:
        await human_task(ctx, "review", type="kyc-review", assign_to="compliance-team")

    run = runs.start(kyc)
    tag = operator.get(address(run)).context["tag"]
    HumanTask.objects.filter(run_id=run.id).update(seq=9)

    assert operator.get(address(run), headers={**HTMX, "X-Seen": tag}).status_code == 200


def test_a_link_inside_of_the_live_part_gets_its_answer(
    operator: Client, waiting: Run[None]
) -> None:
    seen = {**HTMX, "X-Seen": operator.get(address(waiting)).context["tag"]}

    response = operator.get(address(waiting, "?step=draft"), headers={**seen, "HX-Boosted": "true"})

    assert response.status_code == 200
    assert "data-attend" in response.content.decode()


def test_a_run_asks_again_until_it_has_ended(
    operator: Client, waiting: Run[None], failed: Run[None]
) -> None:
    assert '<div class="stack" id="run" data-live' in page(operator, waiting)
    assert '<div class="stack" id="run" hx-get' in page(operator, failed)


# ---- tabs ------------------------------------------------------------------------------


def test_the_timeline_has_a_line_for_each_step(operator: Client, failed: Run[None]) -> None:
    response = operator.get(address(failed))

    rows = [placed.row for placed in response.context["layout"].rows]
    assert [(row.key, row.status, row.attempts) for row in rows] == [
        ("reserve", "completed", 1),
        ("charge", "failed", 2),
    ]
    assert [segment.kind for segment in rows[1].segments] == ["run", "run", "backoff"]


@pytest.mark.parametrize("axis", ["compressed", "linear", "sequence", "no-such"])
def test_the_axis_is_in_the_address(axis: str, operator: Client, failed: Run[None]) -> None:
    mode = operator.get(address(failed, f"?axis={axis}")).context["layout"].mode

    assert mode == ("compressed" if axis == "no-such" else axis)


def test_a_step_shows_its_attempts_and_its_error(operator: Client, failed: Run[None]) -> None:
    html = page(operator, failed, "?step=charge")

    text = words(html[html.index('id="step-panel"') :])
    assert re.search(r"1 Failed CardDeclined .* 2 Failed CardDeclined", text)
    assert "token=•••• redacted" in text


def test_a_step_shows_its_result(operator: Client, waiting: Run[None]) -> None:
    html = page(operator, waiting, "?step=draft")

    assert "•••• redacted" in html
    assert "hunter2" not in html


def test_a_step_that_is_not_there_shows_no_panel(operator: Client, waiting: Run[None]) -> None:
    assert "step-panel" not in page(operator, waiting, "?step=no-such")


def test_a_long_timeline_comes_in_pages(
    operator: Client, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.queries.run.ROWS", 3)

    @workflow(name="import")
    async def imports(ctx: Context) -> None:
        for _ in range(5):
            await ctx.step("item", dict)

    run = runs.start(imports)

    first = operator.get(address(run))
    second = operator.get(address(run, f"?from={first.context['following']}"))

    shown = [[placed.row.key for placed in one.context["layout"].rows] for one in (first, second)]
    assert shown == [["item", "item#2", "item#3"], ["item#4", "item#5"]]
    assert second.context["following"] is None


def test_events_with_who_took_them(operator: Client, runs: Runs, waiting: Run[None]) -> None:
    runs.send_event(waiting, "other", {"a": 1})
    runs.send_event(waiting, "document.signed", {"token": "tok-4711", "pages": 12}, key="d-1")

    html = page(operator, waiting, "?tab=events")

    assert "nobody yet: it waits in the mailbox" in html
    assert "?tab=timeline&amp;step=document.signed" in html
    assert "tok-4711" not in html


def test_input_and_output(operator: Client, runs: Runs, waiting: Run[None]) -> None:
    html = page(operator, waiting, "?tab=values")

    assert "d-1" in html
    assert "hunter2" not in html
    assert "•••• redacted" in html
    assert "None yet." in html


def test_values_are_their_shape_to_who_may_not_see_payloads(
    viewer: Client, waiting: Run[None]
) -> None:
    html = page(viewer, waiting, "?tab=values")

    assert "{id: str, password: str}" in html
    assert "hunter2" not in html
    assert reverse("dashboard:input", args=[waiting.id]) not in html


def test_the_whole_input_as_a_file(operator: Client, viewer: Client, waiting: Run[None]) -> None:
    url = reverse("dashboard:input", args=[waiting.id])

    response = operator.get(url)

    assert json.loads(response.content) == {"id": "d-1", "password": "•••• redacted"}
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert viewer.get(url).status_code == 403
    assert operator.get(reverse("dashboard:output", args=[waiting.id])).status_code == 404


def test_the_history_is_in_the_order_of_outcomes(operator: Client, waiting: Run[None]) -> None:
    entries = operator.get(address(waiting, "?tab=history")).context["entries"]

    assert [(entry.key, entry.seq, entry.position, status) for entry, status, _ in entries] == [
        ("draft", 1, 1, "completed"),
        ("document.signed", None, 2, "waiting"),
    ]


def test_the_audit_is_for_who_may_see_it(
    operator: Client, viewer: Client, waiting: Run[None]
) -> None:
    assert "No operator has touched this run" in page(operator, waiting, "?tab=audit")
    # A viewer has no such tab, and lands on the first one.
    response = viewer.get(address(waiting, "?tab=audit"))
    assert response.context["tab"].name == "timeline"
    assert 'id="tab-audit"' not in response.content.decode()


def test_markup_in_a_payload_is_text(operator: Client, runs: Runs) -> None:
    evil = '<script>alert(1)</script><img src=x onerror="alert(1)" hx-get="/boom">'

    @workflow(name="echo")
    async def echo(ctx: Context, value: str) -> str:
        return await ctx.step("echo", str, value)

    run = runs.start(echo, evil, initiator=evil)

    for query in ("", "?step=echo", "?tab=values", "?tab=history", "?tab=events"):
        html = page(operator, run, query)
        assert "<script>alert" not in html
        assert "<img src=x" not in html


def test_a_value_that_today_s_code_cannot_read_is_shown(
    operator: Client, waiting: Run[None]
) -> None:
    gone = '{"$":"dataclass","c":"no.such:Thing","v":{"amount":12345678901234567890}}'
    Row.objects.filter(id=waiting.id).update(input=gone)

    assert "12345678901234567890" in page(operator, waiting, "?tab=values")


def test_the_number_of_queries(
    operator: Client,
    waiting: Run[None],
    failed: Run[None],
    django_assert_num_queries: pytest.FixtureRequest,
) -> None:
    page(operator, failed)

    # Session 1, user 1, their permissions 2, run 1, entries 1, attempts 1, the numbers of the
    # inbox 1, what was done after the failure 1.
    with django_assert_num_queries(9):
        page(operator, failed)
    # And the step 1, its attempts 1.
    with django_assert_num_queries(11):
        page(operator, failed, "?step=charge")
    # The keys of the events waited for 1, the mailbox 1.
    with django_assert_num_queries(10):
        page(operator, waiting)
    for tab, number in (("events", 9), ("values", 9), ("history", 10), ("audit", 9)):
        with django_assert_num_queries(number):
            page(operator, waiting, f"?tab={tab}")
    # An unchanged poll: session 1, user 1, permissions 2, run 1, keys 1, mailbox 1.
    seen = {**HTMX, "X-Seen": operator.get(address(waiting)).context["tag"]}
    with django_assert_num_queries(7):
        operator.get(address(waiting), headers=seen)


def test_an_operator_without_the_right_to_view_may_still_look(
    logged_in: LoggedIn, member: object, waiting: Run[None]
) -> None:
    group = Group.objects.get(name="Operator")
    group.permissions.remove(group.permissions.get(codename="view_run"))

    assert logged_in("Operator").get(address(waiting)).status_code == 200
