"""Acting on many runs: what is asked, what is frozen, and what becomes of each run."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from dashboard import bulk
from dashboard.models import BulkItem, BulkOperation, OperatorAction
from orchestrator import Context, Run, chores, client, operating, workflow
from orchestrator.models import Run as Row
from orchestrator.testing.runs import Runs
from tests.dashboard.conftest import HTMX

NEW = "/ops/bulk/new/"
BEGIN = "/ops/bulk/begin/"


@pytest.fixture
def three(runs: Runs) -> list[Run[None]]:
    """Runs that wait."""

    @workflow(name="parcel")
    async def parcel(ctx: Context, number: int) -> None:
        await ctx.wait_for_event("sent")

    return [runs.start(parcel, number) for number in range(3)]


def fields(browser: Client, query: str, **more: object) -> dict[str, object]:
    """What the form of the question sends."""
    page = browser.get(f"{NEW}?{query}")
    form, found = page.context["form"], page.context["found"]
    hidden = {name: form[name].value() for name in ("list", "newest", "token", "run")}
    given = {"verb": "cancel", "reason": "wrong price", "shown": found.total}
    return {name: value for name, value in (hidden | given | more).items() if value is not None}


def outcomes() -> dict[str, int]:
    states = list(BulkItem.objects.values_list("state", flat=True))
    return {state: states.count(state) for state in set(states)}


def status(run: Run[None]) -> str:
    return Row.objects.get(id=run.id).status


def test_the_question_says_how_many_which_and_what_will_be_refused(
    operator: Client, three: list[Run[None]], failed: Run[None]
) -> None:
    page = operator.get(f"{NEW}?list=")

    useless = {name: number for name, _, number, _ in page.context["verbs"]}
    assert page.context["found"].total == 4
    assert useless == {"cancel": 1, "retry": 3, "retry_now": 1, "pause": 1, "resume": 4}
    text = page.content.decode()
    assert "1 of them is not in a state for it now, and will be refused." in text
    assert three[0].id.hex[-8:] in text


def test_all_that_match_are_done_and_what_was_started_since_is_left_alone(
    operator: Client, three: list[Run[None]], failed: Run[None], runs: Runs
) -> None:
    form = fields(operator, "list=status%3Dwaiting")
    answer = operator.post(BEGIN, form)
    later = client.start("parcel", 4)
    runs.drain()

    while bulk.work():
        pass
    runs.drain()

    assert outcomes() == {"done": 3}
    assert [status(one) for one in three] == ["cancelled"] * 3
    assert status(later) == "waiting"
    page = operator.get(answer.headers["Location"])
    assert "3 of 3" in page.content.decode()
    assert 'id="bulk-operation" data-live' not in page.content.decode()


def test_runs_that_were_chosen_are_done_and_each_leaves_a_line_in_the_audit(
    operator: Client, three: list[Run[None]], failed: Run[None]
) -> None:
    chosen = [three[0].id, failed.id]
    form = fields(operator, "&".join(f"run={one}" for one in chosen))
    operator.post(BEGIN, form)
    chores.do()

    assert outcomes() == {"done": 1, "refused": 1}
    [refused] = BulkItem.objects.filter(state="refused")
    assert (refused.run_id, refused.detail) == (failed.id, "The run has ended: failed")
    begun, *each = OperatorAction.objects.order_by("id")
    assert (begun.action, begun.run_id) == ("bulk cancel", None)
    assert begun.detail.endswith("2 runs: chosen")
    assert {(one.run_id, one.outcome, one.reason) for one in each} == {
        (three[0].id, "applied", "wrong price"),
        (failed.id, "rejected", "wrong price"),
    }
    assert all(one.via.startswith("bulk operation ") for one in each)
    page = operator.get(f"/ops/bulk/{refused.operation_id}/").content.decode()
    assert "The run has ended: failed" in page


def test_sending_the_form_twice_makes_one_operation(
    operator: Client, three: list[Run[None]]
) -> None:
    form = fields(operator, "list=workflow%3Dparcel")

    first, second = operator.post(BEGIN, form), operator.post(BEGIN, form)

    assert first.headers["Location"] == second.headers["Location"]
    assert BulkOperation.objects.get().total == 3


def test_more_runs_than_the_page_has_shown_are_asked_about_again(
    operator: Client, three: list[Run[None]]
) -> None:
    form = fields(operator, "list=status%3Dwaiting&x=1") | {"shown": 2}

    answer = operator.post(BEGIN, form)

    assert answer.status_code == 409
    assert "Nothing was done." in answer.content.decode()
    assert not BulkOperation.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"reason": " "}, "Say why: it is kept with each run."),
        ({"verb": "fork"}, "Select a valid choice."),
        ({"shown": 101}, "Type 101 to say that so many are meant."),
        ({"run": ["x"]}, "A run is chosen by its id."),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_done(
    wrong: dict[str, object], said: str, operator: Client, three: list[Run[None]]
) -> None:
    answer = operator.post(BEGIN, fields(operator, "list=status%3Dwaiting") | wrong)

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not BulkOperation.objects.exists()


def test_too_many_runs_are_not_asked_about(
    operator: Client, three: list[Run[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.queries.bulk.MOST", 2)

    assert "There are more than" in operator.get(f"{NEW}?list=").content.decode()
    assert "No run was chosen" in operator.get(NEW).content.decode()


def begun(operator: Client, **more: object) -> BulkOperation:
    operator.post(BEGIN, fields(operator, "list=workflow%3Dparcel", **more))
    return BulkOperation.objects.latest("id")


def test_one_run_that_cannot_be_done_does_not_stop_the_others(
    operator: Client, three: list[Run[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(operator)
    verb, act = bulk.ACTS["cancel"]

    def poisoned(run_id: object, *args: object, **how: object) -> operating.Deed:
        if run_id == three[1].id:
            raise RuntimeError("cannot be read")
        return act(run_id, *args, **how)

    monkeypatch.setattr(bulk, "ACTS", {"cancel": (verb, poisoned)})
    Row.objects.filter(id=three[2].id).delete()
    chores.do()

    details = dict(BulkItem.objects.values_list("run_id", "detail"))
    assert details[three[1].id] == "RuntimeError: cannot be read"
    assert details[three[2].id] == "The run is gone: retention has removed it"
    assert outcomes() == {"done": 1, "refused": 2}
    assert BulkOperation.objects.get().state == "done"


def test_a_worker_that_died_in_the_middle_is_followed_by_another(
    operator: Client, three: list[Run[None]], monkeypatch: pytest.MonkeyPatch, runs: Runs
) -> None:
    class Killed(BaseException):
        pass

    operation = begun(operator)
    do, calls = bulk._do, []

    def dies(item: BulkItem, *args: object) -> None:
        calls.append(item)
        if len(calls) == 2:
            raise Killed
        do(item, *args)

    monkeypatch.setattr(bulk, "_do", dies)
    with pytest.raises(Killed):
        bulk.work()
    monkeypatch.undo()
    while_it_is_held = bulk.work()
    runs.advance(bulk.LEASE + timedelta(seconds=1))
    while bulk.work():
        pass

    assert not while_it_is_held
    operation.refresh_from_db()
    assert (operation.state, outcomes()) == ("done", {"done": 3})
    # Each was asked to stop once.
    assert OperatorAction.objects.filter(action="cancel").count() == 3


def test_an_operation_is_paused_continued_and_stopped(
    operator: Client, three: list[Run[None]]
) -> None:
    operation = begun(operator)
    change = f"/ops/bulk/{operation.pk}/change/"

    operator.post(change, {"state": "paused"})
    paused = bulk.work()
    operator.post(change, {"state": "running"})
    operator.post(change, {"state": "stopped"})
    too_late = operator.post(change, {"state": "running"}, follow=True)
    bulk.work()

    operation.refresh_from_db()
    assert not paused
    assert "Nothing was done" in too_late.content.decode()
    assert (operation.state, outcomes()) == ("stopped", {"pending": 3})
    assert operator.post(change, {"state": "odd"}).status_code == 400
    actions = list(OperatorAction.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["bulk cancel", "pause bulk", "continue bulk", "stop bulk"]


def test_a_page_that_shows_how_far_it_is_asks_again(
    operator: Client, three: list[Run[None]]
) -> None:
    operation = begun(operator)
    address = f"/ops/bulk/{operation.pk}/"
    page = operator.get(address)
    seen = {**HTMX, "X-Seen": page.context["tag"]}

    same = operator.get(address, headers=seen)
    chores.do()
    other = operator.get(address, headers=seen)

    assert 'id="bulk-operation" data-live' in page.content.decode()
    assert same.status_code == 204
    assert other.content.decode().lstrip().startswith('<div class="stack" id="bulk-operation"')
    assert f'href="{address}"' in operator.get("/ops/bulk/").content.decode()


def test_other_verbs(operator: Client, three: list[Run[None]], failed: Run[None]) -> None:
    begun(operator, verb="pause")
    chores.do()
    paused = [status(one) for one in three]
    begun(operator, verb="resume")
    chores.do()
    operator.post(BEGIN, fields(operator, "list=status%3Dfailed", verb="retry"))
    chores.do()

    assert paused == ["paused"] * 3
    assert "paused" not in [status(one) for one in three]
    assert status(failed) == "awaiting_retry"


def test_nobody_but_who_may_is_offered_it(viewer: Client, operator: Client, three: object) -> None:
    assert 'name="run"' not in viewer.get("/ops/runs/").content.decode()
    assert 'name="run"' in operator.get("/ops/runs/").content.decode()


def test_what_another_worker_has_done_is_not_done_again(
    operator: Client, three: list[Run[None]]
) -> None:
    items = list(begun(operator).items.all())
    by = operating.Operator(label="both")

    for _ in range(2):
        for item in items:
            bulk._do(item, bulk.ACTS["cancel"][1], by, "twice")

    assert OperatorAction.objects.filter(actor_label="both").count() == 3
