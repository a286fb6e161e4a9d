"""What a task may ask and how it may end: outcomes, task types, and their registry.

Plain data. Importing it needs no configured Django; labels are written in English and
translated where they are shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, asdict, dataclass
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel

from humantasks.words import humanise
from orchestrator.core import codec
from orchestrator.core.errors import UndecodableValue

MAX_TYPE = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_OUTCOME = re.compile(r"[a-z][a-z0-9_-]{0,49}")
_UI = re.compile(r"[a-z][a-z0-9-]{0,49}")


def gettext_noop(text: str) -> str:
    """Marks a text for `makemessages`. Django's own asks for the settings."""
    return text


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way in which a reviewer can end a task: a button.

    `positive` means consent: it is what `HumanTaskResult.approved` says, and no timeout
    ever leads to it. With `form=None` the reviewer need not fill in the task's form.
    """

    name: str
    label: str = ""
    _: KW_ONLY
    positive: bool = False
    style: Literal["", "primary", "danger"] = ""
    comment: Literal["optional", "required"] = "optional"
    form: Literal["task"] | None = "task"

    def __post_init__(self) -> None:
        if not _OUTCOME.fullmatch(self.name):
            raise ValueError(
                f"outcome {self.name!r}: use small letters, digits, _ and -, at most 50 characters"
            )
        if not self.label:
            object.__setattr__(self, "label", humanise(self.name))


APPROVE = Outcome("approve", gettext_noop("Approve"), positive=True, style="primary")
REJECT = Outcome("reject", gettext_noop("Reject"), style="danger", comment="required", form=None)
DEFAULT_OUTCOMES = (APPROVE, REJECT)


class HumanTaskType:
    """What all tasks of one type have in common. Subclass it, and register the subclass.

        @human_task_type("kyc-review", version=3)
        class KycReview(HumanTaskType):
            title = "KYC review: {customer.name}"
            input = KycInput
            form = KycDecision

    `human_task(ctx, …, type=KycReview)` then knows that its `data` is a `KycDecision`.
    """

    name: ClassVar[str] = ""
    version: ClassVar[int] = 1

    # A `str.format` template over the fields of the task's data. Titles stand in lists:
    # keep personal data out of them.
    title: str = ""
    # What `data=` must be. Its field titles are the labels of the evidence.
    input: type[BaseModel] | None = None
    # What a reviewer fills in.
    form: type[BaseModel] | None = None
    outcomes: Sequence[Outcome] = DEFAULT_OUTCOMES
    # The page: templates/humantasks/ui/<ui>.html.
    ui: str = "form"
    # Whether the person who started the run may answer its task.
    requester_may_answer: bool = False


K = TypeVar("K", bound=type[HumanTaskType])

_types: dict[str, type[HumanTaskType]] = {}


def human_task_type(name: str, *, version: int = 1) -> Callable[[K], K]:
    """Register a `HumanTaskType`. Raises ValueError and TypeError at import for a bad one."""

    def register(cls: K) -> K:
        check_type_name(name)
        check_outcomes(cls.outcomes)
        check_ui(cls.ui)
        for model in (cls.form, cls.input):
            check_model(model)
        known = _types.get(name)
        if known is not None and known.version == version and _place(known) != _place(cls):
            raise ValueError(
                f"task type {name} {version} is registered twice: {_place(known)} and {_place(cls)}"
            )
        cls.name, cls.version = name, version
        if known is None or known.version <= version:
            _types[name] = cls
        return cls

    return register


def registered_types() -> dict[str, type[HumanTaskType]]:
    """The newest version of each registered type, by name."""
    return dict(_types)


def find_type(of: str | type[HumanTaskType]) -> tuple[str, type[HumanTaskType]]:
    """The name and the type. A name that is not registered gets the plain type."""
    if isinstance(of, str):
        check_type_name(of)
        return of, _types.get(of, HumanTaskType)
    if not of.name:
        raise ValueError(f"{_place(of)} is not registered: decorate it with @human_task_type(…)")
    return of.name, of


def check_type_name(name: object) -> None:
    if not isinstance(name, str) or len(name) > MAX_TYPE or not _NAME.fullmatch(name):
        raise ValueError(
            f"task type {name!r}: use letters, digits and . _ - (first a letter or a digit, "
            f"at most {MAX_TYPE})"
        )


def check_ui(ui: str) -> None:
    if not _UI.fullmatch(ui):
        raise ValueError(f"ui {ui!r}: use small letters, digits and -, at most 50 characters")


def check_outcomes(outcomes: Sequence[Outcome]) -> None:
    names = [one.name for one in outcomes]
    if not names:
        raise ValueError("a task needs at least one outcome")
    if len(set(names)) < len(names):
        raise ValueError(f"two outcomes have the same name: {', '.join(names)}")


def check_model(model: object) -> None:
    """Only a model that can be imported by its name can be found again when an answer comes."""
    if model is None:
        return
    if not isinstance(model, type) or not issubclass(model, BaseModel):
        raise TypeError(f"{model!r} is not a pydantic model")
    try:
        is_found = codec.find_class(class_path(model)) is model
    except UndecodableValue:
        is_found = False
    # A module that is being imported has not bound the name yet.
    if not is_found and "<locals>" in model.__qualname__:
        raise TypeError(
            f"{_place(model)}: move it to the top of a module, so that it can be imported"
        )


def class_path(model: type) -> str:
    """How a class is named in the database: `module:qualified.name`."""
    return f"{model.__module__}:{model.__qualname__}"


def outcome_from(stored: dict[str, Any]) -> Outcome:
    return Outcome(**stored)


def outcome_as_stored(outcome: Outcome) -> dict[str, Any]:
    return asdict(outcome)


def _place(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
