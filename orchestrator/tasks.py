"""What Celery does for the engine: carries hints to the workers, and hosts them.

A message says "look at run X" and nothing else. It has no ETA, no expiry and no result.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from celery import current_app, shared_task, signals

from orchestrator.engine import worker


@shared_task(name="orchestrator.tick", ignore_result=True)
def tick(run_id: str | None = None) -> None:
    """Look at a run, and at whatever else is due."""
    worker.look()


@shared_task(name="orchestrator.steps", ignore_result=True)
def steps(run_id: str | None = None) -> None:
    """Look at the steps that a run has handed out, and at all others that wait."""
    worker.look(at_runs=False, at_steps=True)


@shared_task(name="orchestrator.sweep", ignore_result=True)
def sweep() -> None:
    """Look at whatever is due. Each worker does so by itself; for Celery beat, if you run it."""
    worker.look(at_steps=True)


def publish(run_id: UUID, queue: str, is_for_steps: bool) -> None:
    """Send the hint. Raises whatever the broker's client raises, within a second or so."""
    # An engine here that serves every queue has heard of it, and perhaps nobody would ever
    # take a message from a queue of that name.
    is_for_all = not queue or worker.serves_all_here()
    message = steps if is_for_steps else tick
    message.apply_async((str(run_id),), queue=default_queue() if is_for_all else queue, retry=False)


def broker_error() -> str:
    """Why the broker cannot be reached, within a second or two; "" when it can."""
    try:
        with current_app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=1)
    # A transport whose library is not installed fails in its import, with any error.
    except Exception as error:
        return " ".join(str(error).split()) or type(error).__name__
    return ""


def is_broker_in_this_process() -> bool:
    """Whether other processes cannot be reached through it."""
    return str(current_app.conf.broker_url).startswith("memory:")


def troubles() -> Iterator[tuple[str, str]]:
    """What is wrong with Celery's settings: a word for it, and what to do."""
    celery = current_app.conf
    if {"pickle", "yaml"} & set(celery.accept_content or ()):
        yield "pickle", "accept_content holds more than JSON: whoever reaches the broker runs code"
    if celery.result_backend:
        yield "results", "result_backend is set: no task of the engine has a result to keep"
    if celery.task_always_eager:
        yield "eager", "task_always_eager is on: runs are executed where they are started"
    if celery.worker_pool == "prefork" and (celery.worker_concurrency or 1) > 1:
        yield "processes", "workers have several processes"


def host(**_: Any) -> None:
    """Start the engine in this process. Connected to Celery's worker signals."""
    worker.start(queues=served_queues())


def served_queues() -> tuple[str, ...]:
    """The queues that this Celery worker consumes, as runs name them."""
    names = sorted(current_app.amqp.queues.consume_from)
    # A run that names no queue is the default queue's.
    return tuple(["", *names] if default_queue() in names else names)


def unhost(**_: Any) -> None:
    """Stop the engine in this process and give its runs back."""
    worker.stop()


def connect() -> None:
    """Run the engine in every Celery worker process of this project."""
    # Not `worker_ready`: that waits for the broker, which the engine can do without.
    signals.worker_init.connect(_on_init, weak=False)
    signals.worker_process_init.connect(host, weak=False)
    signals.worker_shutting_down.connect(unhost, weak=False)
    signals.worker_process_shutdown.connect(unhost, weak=False)


def _on_init(sender: Any, **_: Any) -> None:
    # A prefork worker executes in its children, each of which has its own engine.
    if "prefork" not in str(sender.pool_cls):
        host()


def default_queue() -> str:
    """How Celery calls the queue of runs that name none."""
    return str(current_app.conf.task_default_queue)


def run_worker(*, processes: int, queues: Sequence[str], log_level: str) -> None:
    """Be a Celery worker until told to stop, with the engine in each of its processes."""
    if processes > 1:
        # A setting wins over the option of the command line.
        current_app.conf.update(worker_pool="prefork", worker_concurrency=processes)
    options = ["--queues", ",".join(queues)] if queues else []
    current_app.worker_main(
        ["worker", *options, "--loglevel", log_level, "--without-gossip", "--without-mingle"]
    )


@contextmanager
def worker_here() -> Iterator[None]:
    """A Celery worker in a thread of this process, with the engine. For the embedded mode."""
    celery = current_app.WorkController(
        pool_cls="threads",
        concurrency=2,
        hostname=f"embedded@{socket.gethostname()}",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    thread = threading.Thread(target=celery.start, name="celery", daemon=True)
    thread.start()
    # `worker_init` is sent by Celery's command only. It is the only worker: it serves all.
    worker.start(is_embedded=True)
    try:
        yield
    finally:
        unhost()
        celery.stop(in_sighandler=False, exitcode=0)
        thread.join(timeout=5)
