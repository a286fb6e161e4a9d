"""What a task may ask and how it may end: outcomes, task types, and their registry.

Plain data. Importing it needs no configured Django; labels are written in English and
translated where they are shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, asdict, dataclass, field
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel

from humantasks import reviews
from humantasks.reviews import Review
from humantasks.routing import AssignTo, pool_of
from humantasks.sla import Sla
from humantasks.words import humanise
from orchestrator.core import codec
from orchestrator.core.durations import Duration, parse_duration
from orchestrator.core.errors import UndecodableValue

MAX_TYPE = 100
MIN_LEASE = 60
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_OUTCOME = re.compile(r"[a-z][a-z0-9_-]{0,49}")
_CODE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,49}")
_KEY = re.compile(r"[a-z0-9]?")
_UI = re.compile(r"[a-z][a-z0-9-]{0,49}")


def gettext_noop(text: str) -> str:
    """Marks a text for `makemessages`. Django's own asks for the settings."""
    return text


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way in which a reviewer can end a task: a button.

    `positive` means consent: it is what `HumanTaskResult.approved` says, and no timeout
    ever leads to it. With `form=None` the reviewer need not fill in the task's form; with a
    pydantic model they fill in that one instead.
    `reason_codes` maps codes to labels: the reviewer must tick at least one. `key` is one
    letter or digit that leads to the button.
    """

    name: str
    label: str = ""
    _: KW_ONLY
    positive: bool = False
    style: Literal["", "primary", "danger"] = ""
    comment: Literal["optional", "required"] = "optional"
    # "own" stands for a model in what is stored.
    form: type[BaseModel] | Literal["task", "own"] | None = "task"
    reason_codes: Mapping[str, str] = field(default_factory=dict, hash=False)
    key: str = ""

    def __post_init__(self) -> None:
        if not _OUTCOME.fullmatch(self.name):
            raise ValueError(
                f"outcome {self.name!r}: use small letters, digits, _ and -, at most 50 characters"
            )
        if not self.label:
            object.__setattr__(self, "label", humanise(self.name))
        if not _KEY.fullmatch(self.key):
            raise ValueError(f"outcome {self.name}: key {self.key!r} is not one letter or digit")
        if isinstance(self.form, type):
            check_model(self.form)
        for code in self.reason_codes:
            if not _CODE.fullmatch(code):
                raise ValueError(
                    f"outcome {self.name}: reason code {code!r}: use small letters, digits, "
                    "_, - and ., at most 50 characters"
                )


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at before deciding: a box that must be ticked.

    `required_for` names the outcomes that need it; None means every positive one.
    """

    name: str
    label: str = ""
    _: KW_ONLY
    required_for: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if not _OUTCOME.fullmatch(self.name):
            raise ValueError(
                f"check {self.name!r}: use small letters, digits, _ and -, at most 50 characters"
            )
        if not self.label:
            object.__setattr__(self, "label", humanise(self.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a type lets people do with a task. Stored with each task as it was when asked."""

    release_reason: bool = False
    transferable: bool = False
    may_snooze: bool = True
    skippable: bool = False


# For `Outcome(comment=REQUIRED)`.
REQUIRED: Literal["required"] = "required"

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
    # What a reviewer must have looked at.
    checklist: Sequence[Check] = ()
    # The page: templates/humantasks/ui/<ui>.html.
    ui: str = "form"
    # Whom it goes to when the body does not say: a Pool, a Direct, or a name.
    routing: AssignTo | None = None
    # How more than one person decides: a FourEyes or a Quorum. None: one person does.
    review: Review | None = None
    # By when its tasks are begun and done: an Sla. None: nobody is in a hurry.
    sla: Sla | None = None
    # Whether the person who started the run may answer its task.
    requester_may_answer: bool = False
    # A claim ends when its holder types nothing for so long. None: it does not end.
    claim_lease: Duration | None = None
    # Whether giving a task back needs a reason; whether who holds it may hand it to
    # somebody else or put it aside; whether a lead may skip it.
    release_reason: bool = False
    transferable: bool = False
    may_snooze: bool = True
    skippable: bool = False


K = TypeVar("K", bound=type[HumanTaskType])

_types: dict[str, type[HumanTaskType]] = {}


def human_task_type(name: str, *, version: int = 1) -> Callable[[K], K]:
    """Register a `HumanTaskType`. Raises ValueError and TypeError at import for a bad one."""

    def register(cls: K) -> K:
        check_type_name(name)
        check_outcomes(cls.outcomes)
        check_checklist(cls.checklist, cls.outcomes)
        check_ui(cls.ui)
        reviews.check(cls.review, cls.outcomes)
        if cls.sla is not None and not isinstance(cls.sla, Sla):
            raise TypeError(f"sla is an Sla, not {cls.sla!r}")
        lease_seconds(cls)
        if cls.routing is not None:
            pool_of(cls.routing)
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


def lease_seconds(of: type[HumanTaskType]) -> int | None:
    """How long a claim of such a task lasts. Raises ValueError for less than a minute."""
    if of.claim_lease is None:
        return None
    seconds = int(parse_duration(of.claim_lease).total_seconds())
    if seconds < MIN_LEASE:
        raise ValueError(f"claim_lease={of.claim_lease!r}: give people a minute at least")
    return seconds


def policy_of(of: type[HumanTaskType]) -> Policy:
    return Policy(
        release_reason=of.release_reason,
        transferable=of.transferable,
        may_snooze=of.may_snooze,
        skippable=of.skippable,
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
    keys = [one.key for one in outcomes if one.key]
    if len(set(keys)) < len(keys):
        raise ValueError(f"two outcomes have the same key: {', '.join(keys)}")


def check_checklist(checklist: Sequence[Check], outcomes: Sequence[Outcome]) -> None:
    names = [one.name for one in checklist]
    if len(set(names)) < len(names):
        raise ValueError(f"two checks have the same name: {', '.join(names)}")
    known = {one.name for one in outcomes}
    for one in checklist:
        if unknown := sorted(set(one.required_for or ()) - known):
            raise ValueError(
                f"check {one.name!r} is required for {unknown[0]!r}, which is no outcome: "
                f"there are {', '.join(sorted(known))}"
            )


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
    form = "own" if isinstance(outcome.form, type) else outcome.form
    return asdict(outcome) | {"reason_codes": dict(outcome.reason_codes), "form": form}


def checks_as_stored(
    checklist: Sequence[Check], outcomes: Sequence[Outcome]
) -> list[dict[str, Any]]:
    """Each check with the outcomes that need it by name, of those that this task has."""
    positive = [one.name for one in outcomes if one.positive]
    names = {one.name for one in outcomes}
    return [
        asdict(one)
        | {
            "required_for": [
                name
                for name in (positive if one.required_for is None else one.required_for)
                if name in names
            ]
        }
        for one in checklist
    ]


def _place(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
