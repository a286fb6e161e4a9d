"""What an operator can do to a run, and why not when not. The words are the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from humantasks.present import look
from orchestrator import client
from orchestrator.models import Run, Status


@dataclass(frozen=True, kw_only=True)
class Verb:
    """Something to do to a run."""

    name: str
    label: str
    icon: str
    title: str
    meaning: str
    done: str
    is_danger: bool = False
    refusal: Callable[[Run], str]

    @property
    def url_name(self) -> str:
        return f"dashboard:{self.name}"

    @property
    def confirm_url_name(self) -> str:
        return f"dashboard:{self.name}_confirm"


@dataclass(frozen=True)
class Offer:
    """A verb for one run. `refusal` says why it is of no use now; empty when it is."""

    verb: Verb
    refusal: str


def offers(run: Run) -> list[Offer]:
    """The verbs for `run`, the one that its state calls for first."""
    found = [Offer(verb, verb.refusal(run)) for verb in VERBS]
    return sorted(found, key=lambda one: bool(one.refusal))


def _no_retry(run: Run) -> str:
    if run.status != Status.FAILED:
        return "Retry is available after the run fails"
    if (run.error or {}).get("timed_out"):
        return "The run's time is over"
    if names := client.after_failure(run):
        return f"After the failure the workflow went on with {', '.join(names)}"
    return ""


def _no_cancel(run: Run) -> str:
    if run.is_final:
        return f"The run has ended: {look(run.status).word.lower()}"
    return "It has been asked to stop" if run.cancel_requested_at else ""


RETRY = Verb(
    name="retry",
    label="Retry failed step",
    icon="rotate-cw",
    title="Retry the failed step?",
    meaning=(
        "The same run continues. Finished steps keep their results; "
        "the failed step gets a new set of attempts."
    ),
    done="The run continues from its failed step",
    refusal=_no_retry,
)
CANCEL = Verb(
    name="cancel",
    label="Cancel run",
    icon="ban",
    title="Cancel this run?",
    meaning=(
        "A step that is executing finishes; no further step starts. Open human tasks are "
        "withdrawn. The workflow's own cleanup runs."
    ),
    done="The run has been asked to stop",
    is_danger=True,
    refusal=_no_cancel,
)
VERBS = (RETRY, CANCEL)
