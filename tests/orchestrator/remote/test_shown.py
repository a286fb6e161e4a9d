"""What is shown of steps that were handed out: to programs, in sentences, by the doctor."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator import Context, clock, serving, workflow
from orchestrator.core.definition import registry
from orchestrator.diagnosis import diagnose, standing
from orchestrator.management.commands import doctor
from orchestrator.models import Run as Row
from orchestrator.models import StepTask
from orchestrator.store import workers
from orchestrator.store.workers import Presence
from tests.orchestrator.remote.functions import OtherWorker, effect


@pytest.fixture
def run(drive):
    """A run that has handed a step to the workers of the queue `gpu`."""

    @workflow(name="render")
    async def render(ctx: Context) -> object:
        return await ctx.step("frame", effect, 1, queue="gpu")

    run = render.start()
    drive()
    return run.refresh()


def serve(*queues: str, codes=None) -> None:
    """A worker is alive that serves these queues."""
    presence = Presence(
        id="w1",
        host="here",
        pid=1,
        queues=queues,
        codes=registry.codes if codes is None else codes,
        capacity=100,
    )
    workers.register(presence, in_use=0)


def say(run) -> str:
    return " ".join(standing(Row.objects.get(id=run.id), clock.now()))


def wrong(run) -> dict[str, str]:
    found = diagnose(Row.objects.get(id=run.id), [], clock.now())
    return {one.code: f"{one.title}: {one.text}" for one in found}


def place(run) -> tuple[str, str | None]:
    [wait] = run.refresh().waiting_on
    return wait.detail["state"], wait.detail["worker"]


def test_a_run_says_who_executes_what_it_has_handed_out(run, drive):
    other = OtherWorker("w2")
    assert place(run) == ("handed_out", None)

    [task] = other.take()
    assert place(run) == ("executing", "w2")

    other.report(task, 1)
    assert place(run) == ("ended", None)
    drive()
    assert run.refresh().waiting_on == []


def test_the_same_in_sentences(run):
    other = OtherWorker("w2")
    assert "frame was handed to the workers of the queue gpu, and none has taken it yet" in say(run)

    [task] = other.take()
    assert "frame executes on w2" in say(run)

    other.report(task, 1)
    assert "frame has ended, and the run is about to hear of it" in say(run)


def test_nothing_is_wrong_with_a_step_that_was_just_handed_out(run):
    assert wrong(run) == {}


@pytest.mark.parametrize(
    ("queues", "codes", "why"),
    [
        (["", "cpu"], None, "serves the queue gpu. Start one with: manage.py worker --queues gpu"),
        (["gpu"], (), "No live worker has the code of render 1"),
        (["gpu"], None, "The workers of the queue gpu execute others"),
    ],
)
def test_when_nobody_takes_a_step_it_says_why(run, queues, codes, why):
    clock.move(timedelta(seconds=15))
    serve(*queues, codes=codes)

    [(code, said)] = wrong(run).items()

    assert code == "step-not-taken"
    assert said.startswith("No worker has taken frame for")
    assert why in said


def test_a_step_whose_worker_died_is_told(run):
    OtherWorker("w2").take()
    clock.move(timedelta(seconds=15))

    assert "w2 died, hangs or has lost the database" in wrong(run)["step-lease-expired"]


def test_a_step_that_kills_its_workers_is_told(run):
    StepTask.objects.update(crashes=2)

    assert "2 workers in a row died while they executed frame" in wrong(run)["step-crashes"]


def test_steps_that_no_live_worker_takes_are_counted(run):
    serve("")

    [one] = serving.unserved_steps()

    assert (one.workflow, one.version, one.queue, one.steps) == ("render", "1", "gpu", 1)
    assert one.lacks == "queue"


def test_the_doctor_finds_them(run):
    serve("")
    findings = {one.name: one for one in doctor.examine(is_release=False)}

    assert not findings["steps"].is_good
    assert findings["steps"].detail == (
        "render 1: 1 handed out, and nobody who has its code serves the queue 'gpu'"
    )

    serve("gpu")
    findings = {one.name: one for one in doctor.examine(is_release=False)}
    assert findings["steps"].is_good
