"""What authors write: `state(…)`, `transition(…)`, `invoke(…)` and `action(…)`.

Nothing is judged here. `state_machine` reports all that is wrong with a chart at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from orchestrator.core.durations import Duration
from orchestrator.core.retry import Retry

NOT_GIVEN: Any = object()

# Both take the machine's context, or the context and the event.
Guard = Callable[..., Any]
Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """A function that is executed as a recorded step, with the options of that step."""

    fn: Any
    name: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TransitionSpec:
    """Where an event leads to, if its guard lets it."""

    target: Any
    guard: Any
    action: Any
    internal: bool


@dataclass(frozen=True, slots=True)
class InvokeSpec:
    """What goes on while a machine is in a state."""

    target: Any
    input: Any
    name: str | None
    on_done: Any
    on_error: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class StateSpec:
    """One state, with the states inside it."""

    type: Any
    initial: Any
    states: Any
    on: Any
    on_enter: Any
    on_exit: Any
    after: Any
    always: Any
    on_done: Any
    on_error: Any
    invoke: Any
    target: Any
    deep: bool
    output: Any


Target = str | Sequence[str]
Transitions = TransitionSpec | str | Sequence[TransitionSpec | str]
Actions = Function | ActionSpec | Sequence[Function | ActionSpec]


def transition(
    target: Target | None = None,
    *,
    guard: Guard | None = None,
    action: Actions | None = None,
    internal: bool = False,
) -> TransitionSpec:
    """A transition to `target`, if `guard` lets it, with `action` on the way.

    A target is looked for among the states inside the source, then beside it, then further
    out; `"shipping.packed"` names a state within another. Several targets enter several
    regions of a parallel state. Without a target nothing is left or entered; with the
    source as its own target it is left and entered again. An `internal` transition to a
    state inside its source does not leave the source.

    `guard` takes `ctx` or `ctx, event` and says whether the transition may be taken. It is
    asked while the event is judged: it must be quick, change nothing, and look at nothing
    else. It may raise `Refused("why")`. `action` is a function of `ctx` or `ctx, event`, or
    several of them: each is a recorded step. See `action`.
    """
    return TransitionSpec(target, guard, action, internal)


def action(
    fn: Function,
    *,
    name: str | None = None,
    retry: Retry | None = None,
    timeout: Duration | None = None,
    atomic: bool = False,
    at_most_once: bool = False,
) -> ActionSpec:
    """A function to be executed as a step of its own, with the options of `ctx.step`.

    It takes the machine's context, or the context and the event, and may be `async`. It
    gets a copy of the context, which it may change. What it returns counts only if it is
    a context: then that is the new one.
    """
    given = {"retry": retry, "timeout": timeout, "atomic": atomic, "at_most_once": at_most_once}
    return ActionSpec(fn, name, {key: value for key, value in given.items() if value})


def invoke(
    target: Any,
    *,
    input: Callable[[Any], Any] | None = None,
    name: str | None = None,
    on_done: Transitions | None = None,
    on_error: Transitions | None = None,
) -> InvokeSpec:
    """Something that goes on while the machine is in a state, and is cancelled when it leaves.

    `target` is a workflow, which becomes a child run with the machine's context as its
    input, or with what `input` makes of it. Or it is an `async` function that takes the
    run's `Context` and the machine's context, such as one that awaits `human_task(…)`.
    `on_done` sees its result as `event.payload`, `on_error` its error.
    """
    return InvokeSpec(target, input, name, on_done, on_error)


def state(
    *,
    on: Mapping[str, Transitions] | None = None,
    on_enter: Actions | None = None,
    on_exit: Actions | None = None,
    after: Mapping[str, Transitions] | None = None,
    always: Transitions | None = None,
    on_done: Transitions | None = None,
    on_error: Transitions | None = None,
    invoke: InvokeSpec | Sequence[InvokeSpec] | None = None,
    states: Mapping[str, StateSpec] | None = None,
    initial: Target | None = None,
    type: Literal["final", "parallel", "history"] | None = None,
    target: Target | None = None,
    deep: bool = False,
    output: Any = NOT_GIVEN,
) -> StateSpec:
    """One state of a machine.

    `on` has the transitions of each event; of several for one event the first counts whose
    guard lets it. `"*"` takes what no other transition of the state takes. `after` has
    transitions that are taken when the machine has been in the state for so long, `always`
    those that are taken as soon as their guard lets them.

    `states` makes it a state with states inside: it starts in `initial`, or with
    `type="parallel"` in all of them at once. `on_done` is taken when it has come to its
    end: to a final state inside, or in each of its regions. `on_error` is taken when an
    action has failed, its attempts being used up; without one the run fails.

    `type="final"` is an end, with `output` (a value, or a function of the context).
    `type="history"` stands for where its parent was when it was last left: for its child,
    or with `deep=True` for all that was active in it; `target` is where to go the first time.
    """
    return StateSpec(
        type=type,
        initial=initial,
        states=states,
        on=on,
        on_enter=on_enter,
        on_exit=on_exit,
        after=after,
        always=always,
        on_done=on_done,
        on_error=on_error,
        invoke=invoke,
        target=target,
        deep=deep,
        output=output,
    )
