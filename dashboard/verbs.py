"""What an operator can do to a run, and why not when not. The words are the same everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dashboard.access import OPERATE, START
from humantasks.present import look
from orchestrator import client
from orchestrator.models import Run, Status


@dataclass(frozen=True, kw_only=True)
class Verb:
    """Something to do to a run.

    `done` says what has become of the run. `refusal` says why it is of no use now, empty when
    it is.
    """

    name: str
    label: str
    icon: str
    title: str
    meaning: str
    done: Callable[[Run], str]
    refusal: Callable[[Run], str]
    # What a state calls for; at most one of these is of use at a time.
    is_primary: bool = False
    is_danger: bool = False
    needs: tuple[str, ...] = (OPERATE,)

    @property
    def slug(self) -> str:
        """Its name in addresses."""
        return self.name.replace("_", "-")

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


@dataclass(frozen=True)
class Offers:
    """What can be done to a run: what its state calls for, the rest, and what cannot be done."""

    first: Sequence[Offer]
    more: Sequence[Offer]


def offers(run: Run, permissions: Callable[[str], bool]) -> Offers:
    """The verbs for `run` of somebody with these permissions."""
    found = {
        verb.name: Offer(verb, verb.refusal(run))
        for verb in VERBS
        if all(permissions(one) for one in verb.needs)
    }
    first = [offer for name, offer in found.items() if name in _ASIDE and not offer.refusal]
    if RETRY.name in found and run.status == Status.FAILED and found[RETRY.name].refusal:
        first = ways_on(run, permissions) + first
    shown = {offer.verb.name for offer in first}
    rest = [offer for name, offer in found.items() if name not in shown]
    return Offers(first, sorted(rest, key=lambda one: bool(one.refusal)))


def ways_on(run: Run, permissions: Callable[[str], bool]) -> list[Offer]:
    """What still leads on from a run that cannot be retried."""
    ways = [Offer(verb, verb.refusal(run)) for verb in (RETRY_FROM, FORK)]
    return [
        one for one in ways if not one.refusal and all(permissions(need) for need in one.verb.needs)
    ]


# ---- why not -----------------------------------------------------------------------------


def _no_retry(run: Run) -> str:
    if run.status != Status.FAILED:
        return "Retry is available after the run fails"
    if (run.error or {}).get("timed_out"):
        return "The run's time is over"
    if names := client.after_failure(run):
        return f"After the failure the workflow went on with {', '.join(names)}"
    return ""


def _no_retry_from(run: Run) -> str:
    if run.status not in (Status.FAILED, Status.CANCELLED):
        return "A run goes on from a step after it has failed or was cancelled"
    return _is_purged(run)


def _no_fork(run: Run) -> str:
    if run.state:
        return "A state machine cannot be forked; start another one"
    if not run.is_final and run.status not in (Status.PAUSED, Status.BLOCKED):
        return "A fork is made of a run that has ended or rests: pause it first"
    return _is_purged(run)


def _is_purged(run: Run) -> str:
    return (
        "Its input and results were removed by retention: start a new run" if run.is_purged else ""
    )


def _no_pause(run: Run) -> str:
    if refusal := _no_cancel(run):
        return refusal
    if run.status == Status.BLOCKED:
        return "A blocked run rests already"
    return "The run is paused already" if run.pause_requested else ""


def _no_resume(run: Run) -> str:
    rests = run.pause_requested or run.status == Status.BLOCKED
    return "" if rests else "Resume is available while the run is paused or blocked"


def _no_cancel(run: Run) -> str:
    if run.is_final:
        return f"The run has ended: {look(run.status).word.lower()}"
    return "It has been asked to stop" if run.cancel_requested_at else ""


def _no_skip(run: Run) -> str:
    return "" if run.status == Status.WAITING else "Only a run that sleeps has a sleep to skip"


def _no_retry_now(run: Run) -> str:
    waits = run.status in (Status.WAITING, Status.AWAITING_RETRY)
    return "" if waits else "Only a step that waits for its next attempt can be tried now"


# ---- the verbs ---------------------------------------------------------------------------


def _always(text: str) -> Callable[[Run], str]:
    return lambda _run: text


def _cancelled(run: Run) -> str:
    if run.is_final:
        return "The run is cancelled"
    return "No further step starts; the run ends after its cleanup"


def _paused(run: Run) -> str:
    if run.status == Status.PAUSED:
        return "The run is paused"
    return "The run pauses when what executes has ended"


RETRY = Verb(
    name="retry",
    label="Retry failed step",
    icon="rotate-cw",
    title="Retry the failed step?",
    meaning=(
        "The same run continues. Finished steps keep their results; "
        "the failed step gets a new set of attempts."
    ),
    done=_always("The run continues from its failed step"),
    refusal=_no_retry,
    is_primary=True,
)
RETRY_FROM = Verb(
    name="retry_from",
    label="Go on from a step",
    icon="history",
    title="Go on from which step?",
    meaning=(
        "The same run continues from this step: it and what came after it are forgotten and "
        "executed again. What they did outside is not undone."
    ),
    done=_always("The run goes on from the step"),
    refusal=_no_retry_from,
    is_primary=True,
)
FORK = Verb(
    name="fork",
    label="Fork",
    icon="git-fork",
    title="Fork from which step?",
    meaning=(
        "A new run starts with the results of everything before this step. This run stays as it is."
    ),
    done=_always("This run is the fork"),
    refusal=_no_fork,
    needs=(OPERATE, START),
)
RESUME = Verb(
    name="resume",
    label="Resume",
    icon="play",
    title="Resume this run?",
    meaning="The run goes on. What has arrived while it rested counts now.",
    done=_always("The run goes on"),
    refusal=_no_resume,
    is_primary=True,
)
PAUSE = Verb(
    name="pause",
    label="Pause",
    icon="pause",
    title="Pause this run?",
    meaning=(
        "What executes finishes; no further step starts until somebody resumes the run. "
        "Timers and events keep arriving, and count then."
    ),
    done=_paused,
    refusal=_no_pause,
)
SKIP_SLEEP = Verb(
    name="skip_sleep",
    label="Skip sleep",
    icon="skip-forward",
    title="End this sleep now?",
    meaning="The run goes on as if the time had passed. The journal says who skipped it.",
    done=_always("The sleep is over"),
    refusal=_no_skip,
)
RETRY_NOW = Verb(
    name="retry_now",
    label="Retry now",
    icon="rotate-cw",
    title="Retry this step now?",
    meaning=(
        "The step is tried again at once, without the rest of the wait. It counts as an attempt."
    ),
    done=_always("The step is tried again"),
    refusal=_no_retry_now,
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
    done=_cancelled,
    refusal=_no_cancel,
    is_danger=True,
)

# Those of the whole run. What ends a wait stands where the wait is shown.
VERBS = (RETRY, RESUME, PAUSE, CANCEL, RETRY_FROM, FORK)
# What stands beside the menu when it is of use.
_ASIDE = {verb.name for verb in (RETRY, RESUME, PAUSE, CANCEL)}
ALL = {verb.name: verb for verb in (*VERBS, SKIP_SLEEP, RETRY_NOW)}
