"""What AI steps have used: tokens, time and money, of one step or of a run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dashboard.redaction import REDACTED, is_sensitive, redacted, redacted_text
from orchestrator.ai.accounts import DETAILS
from orchestrator.ai.messages import INPUT_HEADING

# The kind of a step that has asked a model, for its icon and its word.
AI = "ai"


@dataclass(frozen=True, kw_only=True)
class ModelUse:
    """Requests to models. `cost` is None when the price of any of them is not known."""

    model: str
    answered_by: str
    requests: int
    input_tokens: int
    output_tokens: int
    seconds: float
    cost: Decimal | None

    @property
    def price(self) -> str:
        """The cost to four places; "" when it is not known."""
        return "" if self.cost is None else f"{self.cost:.4f}"


def model_use(details: Any) -> ModelUse | None:
    """The account in what an attempt has told; None when it is no AI step."""
    account = details.get(DETAILS) if isinstance(details, Mapping) else None
    if not isinstance(account, Mapping):
        return None
    cost = account.get("cost")
    return ModelUse(
        model=str(account.get("model", "")),
        answered_by=str(account.get("answered_by", "")),
        requests=int(account.get("requests", 0)),
        input_tokens=int(account.get("input_tokens", 0)),
        output_tokens=int(account.get("output_tokens", 0)),
        seconds=float(account.get("seconds", 0)),
        cost=None if cost is None else Decimal(str(cost)),
    )


@dataclass(frozen=True, kw_only=True)
class Said:
    """One message to a model, or a call of a tool that it asked for."""

    who: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Talk:
    """What a model was asked and what it answered: an output, or calls of tools."""

    asked: Sequence[Said]
    output: Any
    calls: Sequence[Said]


def talk(answer: Mapping[str, Any]) -> Talk:
    """The stored result of an AI step, for people: redacted, also where it is JSON in text."""
    return Talk(
        asked=[_said(one, "role", "content") for one in answer.get("prompt") or ()],
        output=redacted(answer.get("output")),
        calls=[_said(one, "name", "arguments") for one in answer.get("tool_calls") or ()],
    )


def _said(one: Mapping[str, Any], who: str, text: str) -> Said:
    return Said(who=str(one.get(who, "")), text=_readable(str(one.get(text, ""))))


def _readable(text: str) -> str:
    heading = INPUT_HEADING if text.startswith(INPUT_HEADING) else ""
    data = text.removeprefix(heading)
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return heading + redacted_text(_without_parts(data))
    if isinstance(found, str):
        return heading + redacted_text(data)
    return heading + json.dumps(redacted(found), ensure_ascii=False, indent=1)


def _without_parts(data: str) -> str:
    """JSON that was shortened, without the objects and lists whose names are sensitive.

    It is written with a line for each field; what belongs to one is indented deeper.
    """
    shown, hides_until = [], ""
    for line in data.split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        if hides_until and (not line.strip() or len(indent) >= len(hides_until)):
            continue
        hides_until = ""
        name = _OPENING.match(line)
        if name and is_sensitive(name[2]):
            hides_until = name[1] + " "
            line = f'{name[1]}"{name[2]}": {REDACTED}'  # noqa: PLW2901 - the line that is shown
        shown.append(line)
    return "\n".join(shown)


_OPENING = re.compile(r'( *)"((?:[^"\\]|\\.)*)": [\[{]$')


def total(all_details: Iterable[Any]) -> ModelUse | None:
    """The sum over attempts; None when none of them asked a model."""
    uses = [use for details in all_details if (use := model_use(details))]
    if not uses:
        return None
    costs = [use.cost for use in uses if use.cost is not None]
    return ModelUse(
        model=_names(use.model for use in uses),
        answered_by=_names(use.answered_by for use in uses),
        requests=sum(use.requests for use in uses),
        input_tokens=sum(use.input_tokens for use in uses),
        output_tokens=sum(use.output_tokens for use in uses),
        seconds=sum(use.seconds for use in uses),
        cost=sum(costs, Decimal(0)) if len(costs) == len(uses) else None,
    )


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted({name for name in names if name}))
