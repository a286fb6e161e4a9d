"""Who takes which runs, and in which order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery import current_app
from django.core.management import CommandError, call_command

from orchestrator import Context, clock, hints, send_event, serving, tasks, workflow
from orchestrator.core.definition import registry
from orchestrator.engine import worker
from orchestrator.engine.upkeep import Upkeep
from orchestrator.models import Run as Row
from orchestrator.store import ticks

pytestmark = pytest.mark.django_db(transaction=True)

STEP = timedelta(seconds=10)


@pytest.fixture(autouse=True)
def told(monkeypatch):
    """The hints that are sent: run and queue. Nobody acts on them."""
    sent = []
    before = hints.connect(lambda run_id, queue, _: sent.append((run_id, queue)))
    yield sent
    hints.connect(before)
    clock.move(-clock.skew())


@pytest.fixture
def plain():
    @workflow(name="plain")
    async def plain(ctx: Context, number: int = 0) -> None: ...

    return plain


@pytest.fixture
def render():
    @workflow(name="render", queue="gpu")
    async def render(ctx: Context) -> object:
        return await ctx.wait_for_event("go")

    return render


def statuses(*queues: str) -> dict[str, str]:
    """Drive what a worker of these queues takes; what became of all runs."""
    worker.drain(inline=True, queues=queues)
    return dict(Row.objects.values_list("workflow", "status"))


def claim(limit: int = 10, queues: tuple[str, ...] | None = None) -> list[str]:
    """What a worker takes next, by idempotency key."""
    known = [(one.name, one.version) for one in registry]
    claims = ticks.claim(
        limit=limit, lease=timedelta(days=1), worker="test", known=known, queues=queues, step=STEP
    )
    taken = Row.objects.in_bulk([one.run_id for one in claims])
    return sorted(str(run.idempotency_key) for run in taken.values())


# ---- queues -----------------------------------------------------------------------------


def test_a_run_is_taken_by_workers_of_its_queue_only(plain, render):
    plain.start()
    render.start()

    assert statuses("") == {"plain": "completed", "render": "pending"}
    assert statuses("other") == {"plain": "completed", "render": "pending"}
    assert statuses("other", "gpu") == {"plain": "completed", "render": "waiting"}


def test_a_worker_without_queues_of_its_own_takes_all(plain, render):
    plain.start()
    render.start()

    worker.drain(inline=True)

    assert set(Row.objects.values_list("status", flat=True)) == {"completed", "waiting"}


def test_a_start_may_name_another_queue(plain):
    run = plain.start(queue="night")

    assert run.queue == "night"
    assert statuses("") == {"plain": "pending"}
    assert statuses("night") == {"plain": "completed"}


def test_a_blocked_run_is_tried_by_workers_of_its_queue_only(render):
    run = render.start()
    Row.objects.update(status="blocked", due_at=None, error={"type": "NoCode", "tried": []})

    worker.drain(inline=True, mends=True, queues=("",))
    assert run.refresh().status == "blocked"
    worker.drain(inline=True, mends=True, queues=("gpu",))

    assert run.refresh().status == "waiting"


def test_hints_go_to_the_queue_of_the_run(render, plain, told):
    run = render.start()
    plain.start()
    statuses("gpu", "")
    run.pause()
    run.resume()
    run.send_event("go")

    assert [queue for _, queue in told] == ["gpu", "", "gpu", "gpu"]


def test_a_broadcast_tells_the_queues_of_those_that_wait(render, told):
    run = render.start()
    statuses("gpu")
    send_event("go")

    assert told[-1] == (run.id, "gpu")


def test_a_queue_that_is_quiet_for_long_is_not_forgotten_in_a_burst():
    sent = []
    postman = hints.Postman(lambda run_id, queue, _: sent.append(queue))

    for number in range(20):
        postman.send(number, "busy" if number else "quiet")

    assert postman.flush(2)
    assert "quiet" in sent


def test_a_fork_stays_in_its_queue(runs):
    @workflow(name="w")
    async def w(ctx: Context) -> None:
        await ctx.step("a", str, 1)

    run = runs.start(w, queue="night", priority=3)

    copy = run.fork("a")

    assert (copy.queue, copy.priority) == ("night", 3)


def test_a_worker_wakes_for_the_timers_of_its_own_queues(plain, render):
    plain.start(delay="1h")
    soon = render.start(delay="10s")
    render.start()
    clock.move(timedelta(seconds=1))

    assert ticks.next_coming(("gpu",)) == Row.objects.get(id=soon.id).due_at
    assert ticks.next_coming() == ticks.next_coming(("gpu",))
    assert ticks.next_coming(("",)) > clock.now() + timedelta(minutes=50)
    assert ticks.next_coming(("none",)) is None


def test_what_nobody_serves_is_known(render):
    render.start()
    Upkeep(worker="plain", queues=("",), mend=lambda: None).beat(0)
    assert [(one.workflow, one.queue, one.lacks) for one in serving.unserved()] == [
        ("render", "gpu", "queue")
    ]

    Upkeep(worker="gpu", queues=("gpu",), mend=lambda: None).beat(0)

    assert serving.unserved() == []


# ---- priorities -------------------------------------------------------------------------


def test_higher_priorities_come_first_then_older_runs(plain):
    for key, priority in [("a", 0), ("b", 5), ("c", -5), ("d", 5), ("e", 0)]:
        plain.start(idempotency_key=key, priority=priority)

    assert [claim(limit=1) for _ in range(5)] == [["b"], ["d"], ["a"], ["e"], ["c"]]


def test_a_workflow_may_have_a_priority_and_a_start_another(plain):
    @workflow(name="urgent", priority=9)
    async def urgent(ctx: Context) -> None: ...

    plain.start(idempotency_key="plain")
    urgent.start(idempotency_key="not so urgent", priority=-1)
    assert urgent.start(idempotency_key="urgent").priority == 9

    assert [claim(limit=1) for _ in range(3)] == [["urgent"], ["plain"], ["not so urgent"]]


def test_nobody_starves(plain):
    """A step of priority is worth ten seconds: who has waited longer comes first."""
    plain.start(idempotency_key="low", priority=0)
    clock.move(timedelta(seconds=29))
    plain.start(idempotency_key="high in time", priority=3)
    clock.move(timedelta(seconds=2))
    plain.start(idempotency_key="high too late", priority=3)

    assert [claim(limit=1) for _ in range(3)] == [["high in time"], ["low"], ["high too late"]]


def test_under_a_stream_of_urgent_runs_others_get_their_turn(plain):
    plain.start(idempotency_key="patient", priority=0)
    taken = []
    for second in range(65):
        plain.start(idempotency_key=f"urgent {second}", priority=3)
        plain.start(idempotency_key=f"urgent {second} too", priority=3)
        taken += claim(limit=1)
        clock.move(timedelta(seconds=1))

    # Twice as many come as are taken, so by priority alone it would wait for ever.
    assert 30 < taken.index("patient") <= 60


def test_each_queue_has_its_own_order(plain):
    plain.start(idempotency_key="a", queue="one", priority=1)
    plain.start(idempotency_key="b", queue="two", priority=2)
    plain.start(idempotency_key="c", queue="one", priority=3)

    assert claim(limit=1, queues=("one",)) == ["c"]
    assert claim(limit=1, queues=("two", "one")) == ["b"]


# ---- errors -----------------------------------------------------------------------------


@pytest.mark.parametrize("queue", ["", "a b", "-x", "ä", "x" * 101, 7])
def test_a_queue_that_cannot_be_is_refused_with_what_can(plain, queue):
    with pytest.raises(ValueError, match="a queue's name is 1 to 100 letters"):
        plain.start(queue=queue)
    with pytest.raises(ValueError, match=r"x: queue=.*a queue's name"):

        @workflow(name="x", queue=queue)
        async def x(ctx: Context) -> None: ...

    assert not Row.objects.exists()


@pytest.mark.parametrize("priority", [101, -101, "high", 1.5, True])
def test_a_priority_that_cannot_be_is_refused_with_what_can(plain, priority):
    with pytest.raises(ValueError, match="a whole number from -100 to 100, higher first"):
        plain.start(priority=priority)
    with pytest.raises(ValueError, match=r"x: priority=.*a whole number"):

        @workflow(name="x", priority=priority)
        async def x(ctx: Context) -> None: ...

    assert not Row.objects.exists()


# ---- Celery -----------------------------------------------------------------------------


@pytest.fixture
def consumed(monkeypatch):
    """Have a Celery worker consume these queues."""
    queues = current_app.amqp.queues
    monkeypatch.setattr(queues, "_consume_from", None)
    return queues.select


def test_a_worker_serves_the_queues_that_celery_consumes(consumed):
    assert tasks.served_queues() == ("", "orchestrator")

    consumed(["gpu", "night"])
    assert tasks.served_queues() == ("gpu", "night")

    consumed(["gpu", tasks.default_queue()])
    assert tasks.served_queues() == ("", "gpu", "orchestrator")


def test_the_worker_command_refuses_what_is_no_queue():
    with pytest.raises(CommandError, match="a queue's name is 1 to 100 letters"):
        call_command("worker", "--queues", "gpu,no such/queue")
