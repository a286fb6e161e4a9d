"""Every error that the engine raises, under one base. Suspension is not an error."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Self


class OrchestratorError(Exception):
    """Base of all errors of this package."""


class InvalidInput(OrchestratorError, ValueError):
    """The input of a workflow does not fit its declared type; nothing was stored.

    `errors` is a list of `{"loc": (path, …), "msg": text, "type": code}`.
    """

    def __init__(self, message: str, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.errors = errors or []


class IdempotencyConflict(OrchestratorError):
    """The idempotency key is known for this workflow, but with another input.

    `run_id` is the run that holds the key.
    """

    def __init__(self, message: str, run_id: Any = None) -> None:
        super().__init__(message)
        self.run_id = run_id


class StepFailed(OrchestratorError):
    """A step failed and its attempts are used up.

    Where the class of the original error can be imported, the error raised in the
    body is an instance of both that class and `StepFailed`, on the first pass and
    on every replay, so either can be caught.
    """

    # Class attributes and no `__init__`: an instance that is also, say, an
    # `OSError` must be built by that class's own constructor.
    key: str = ""
    cause_type: str = ""
    message: str = ""
    traceback: str = ""
    attempts: int = 0


class StepTimeout(StepFailed, TimeoutError):
    """An attempt of a step took longer than its timeout, and it was the last one."""

    @classmethod
    def of(cls, key: str, limit: timedelta) -> Self:
        """The error of one attempt of step `key`, which may take `limit`."""
        error = cls(f"step {key!r} took longer than {limit.total_seconds():g} s")
        error.key = key
        return error


class EventTimeout(OrchestratorError, TimeoutError):
    """The awaited event did not come in time and no default was given."""


class NonRetryable(OrchestratorError):
    """Raise it in a step: the step fails at once, whatever its retry policy."""


class CompensationFailed(OrchestratorError):
    """Some of the steps that had to be undone could not be."""


class AmbiguousStep(OrchestratorError):
    """A worker died while it executed an at-most-once step: nobody knows how it ended."""


class RunTimedOut(OrchestratorError, TimeoutError):
    """The run took longer than its workflow's `timeout`."""


class RunFailed(OrchestratorError):
    """The run whose result was asked for failed. `error` is the recorded failure."""

    def __init__(self, message: str, error: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.error = error or {}


class RunCancelled(OrchestratorError):
    """The run whose result was asked for was cancelled."""


class RunPruned(OrchestratorError):
    """The run ended, and retention has removed what it returned."""


class RunTimeout(OrchestratorError, TimeoutError):
    """The run was still going when the time to wait for its result was over."""


class NotSerializable(OrchestratorError, TypeError):
    """A value cannot be stored. The message names the path to it."""


class PayloadTooLarge(OrchestratorError, ValueError):
    """An encoded value is larger than `ORCHESTRATOR_MAX_PAYLOAD`."""


class UndecodableValue(OrchestratorError):
    """A stored value names a class that today's code does not have or cannot build."""


class NonDeterminism(OrchestratorError):
    """The body asked for something else than its journal holds.

    `expected` is what the journal holds, `got` what the body asked for, `position`
    the place in the journal, counted from 1.
    """

    def __init__(
        self, message: str, *, expected: str = "", got: str = "", position: int = 0
    ) -> None:
        super().__init__(message)
        self.expected = expected
        self.got = got
        self.position = position


class NoCode(OrchestratorError):
    """No live worker has the code of the run. The arguments are its workflow and version."""

    def __str__(self) -> str:
        workflow, version = self.args
        number = f"v{version}" if version[:1].isdigit() else version
        return (
            f"no code for {workflow} {number}: no live worker has it. The run continues when a "
            "worker that has it appears"
        )


class SwallowedSuspension(OrchestratorError):
    """The body caught the end of its own suspension."""

    def __str__(self) -> str:
        return (
            "the body caught the exception that unwinds a suspended coroutine. "
            "A bare `except:` or `except BaseException:` around an `await` must raise again; write "
            "`except Exception:`"
        )


class StuckBody(OrchestratorError):
    """The body waits for something that no step, event or timer will bring."""

    def __str__(self) -> str:
        return (
            "the body waits for something that is not durable (a future, a lock or a queue that "
            "nobody will set), so nothing can wake it"
        )


class Quarantined(OrchestratorError):
    """The run kills its workers and makes no progress. The argument counts them."""

    def __str__(self) -> str:
        return (
            f"{self.args[0]} workers in a row died while they held this run, "
            "and it made no progress"
        )


class TooManyEntries(OrchestratorError):
    """The journal would grow without end, and every replay with it. The argument is the limit."""

    def __str__(self) -> str:
        return (
            f"the run asked for more than {self.args[0]:,} things (ORCHESTRATOR_MAX_ENTRIES): "
            "let child runs do parts of it"
        )


class UnknownFunction(OrchestratorError, LookupError):
    """This worker does not have the function of a step that was handed out."""


class WorkersDied(OrchestratorError):
    """Workers keep dying while they execute a step that was handed out. The argument counts."""

    def __str__(self) -> str:
        return f"{self.args[0]} workers in a row died while they executed this step"


class JournalTooLarge(OrchestratorError):
    """What the run has recorded is too much to read at each replay. The argument is the limit."""

    def __str__(self) -> str:
        return (
            f"the results of the run are more than {self.args[0]:,} bytes "
            "(ORCHESTRATOR_MAX_JOURNAL): store them elsewhere and pass references, or let child "
            "runs do parts of it"
        )


class TooManyAtOnce(OrchestratorError):
    """The body waits for too many things at the same time. The argument is the limit."""

    def __str__(self) -> str:
        return (
            f"a run waits for at most {self.args[0]:,} steps, timers and events at once: ask for "
            "them in smaller groups, or let child runs do parts of it"
        )


class TooManyStarts(OrchestratorError):
    """Runs of the workflow are started more often than its `start_rate`; nothing was stored.

    `retry_after` is how long to wait before the next try.
    """

    def __init__(self, message: str, retry_after: timedelta) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NestedStep(OrchestratorError):
    """A durable call was made inside a step function."""


class UnknownWorkflow(OrchestratorError, LookupError):
    """No workflow of that name and version is registered in this process."""


class UnknownRun(OrchestratorError, LookupError):
    """No run has this id."""


class UnknownSchedule(OrchestratorError, LookupError):
    """No schedule has this name."""


class ActionRefused(OrchestratorError):
    """The run is not in a state that allows what was asked. Nothing was changed."""


class LeaseLost(OrchestratorError):
    """Another worker owns the run now: what this tick did not commit is dropped."""


class InvalidMachine(OrchestratorError, ValueError):
    """A state machine's definition cannot work. `problems` has all that is wrong with it."""

    def __init__(self, name: str, problems: list[str]) -> None:
        lines = "\n".join(f"  * {problem}" for problem in problems)
        super().__init__(f"state machine {name!r} cannot work:\n{lines}")
        self.name = name
        self.problems = problems


class Refused(OrchestratorError):
    """Raise it in a guard to say in your own words why a transition is not taken."""


class GuardFailed(OrchestratorError):
    """A guard raised an error. An event is refused with it; a transition that is taken
    without an event lets the run fail."""


class UnknownState(OrchestratorError):
    """A machine is in a state that today's definition does not have."""


class RestlessMachine(OrchestratorError):
    """A machine took one transition after the other and never came to rest."""
