"""What an attempt has used: tokens, time and money, shown with its step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from orchestrator.ai.messages import Reply, Usage
from orchestrator.conf import conf
from orchestrator.core.failures import clean
from orchestrator.core.step import current_step

# The details of a step under which the dashboard finds the account.
DETAILS = "ai"
_SPENT = "spent"
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens and money. `cost` is None when a price is not known."""

    tokens: int = 0
    cost: Decimal | None = Decimal(0)

    def __add__(self, other: Spent) -> Spent:
        unknown = self.cost is None or other.cost is None
        cost = None if unknown else (self.cost or Decimal(0)) + (other.cost or Decimal(0))
        return Spent(self.tokens + other.tokens, cost)


class Account:
    """Adds up the requests of one attempt and tells the step after each."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._answered_by = ""
        self._usage = Usage()
        self._requests = 0
        self._seconds = 0.0
        self._before = _spent_before(current_step().details)

    @property
    def spent(self) -> Spent:
        """What the step has used, with the attempts of it that failed."""
        return self._before + Spent(self._usage.total, cost(self._model, self._usage))

    def add(self, reply: Reply, seconds: float) -> None:
        """A reply has come, after `seconds`."""
        self._usage += reply.usage
        self._answered_by = clean(reply.model) or self._answered_by
        self._requests += 1
        self._seconds += seconds
        current_step().heartbeat({DETAILS: self._details()})

    def _details(self) -> dict[str, Any]:
        spent = self.spent
        return {
            "model": self._model,
            "answered_by": self._answered_by,
            "input_tokens": self._usage.input_tokens,
            "output_tokens": self._usage.output_tokens,
            "requests": self._requests,
            "seconds": round(self._seconds, 3),
            "cost": _text(cost(self._model, self._usage)),
            _SPENT: [spent.tokens, _text(spent.cost)],
        }


def cost(model: str, usage: Usage) -> Decimal | None:
    """What it costs by `ORCHESTRATOR_AI["prices"]`; None for a model that is not listed.

    Prices are for a million tokens of input and of output, in a currency of your choice.
    """
    prices = conf.AI.get("prices", {}).get(model)
    if prices is None:
        return None
    for_input, for_output = (Decimal(str(price)) for price in prices)
    total = usage.input_tokens * for_input + usage.output_tokens * for_output
    return total / _MILLION


def _spent_before(details: Any) -> Spent:
    """What the attempts before have told, which had something to tell."""
    account = details.get(DETAILS) if isinstance(details, Mapping) else None
    if not isinstance(account, Mapping) or _SPENT not in account:
        return Spent()
    tokens, told = account[_SPENT]
    return Spent(int(tokens), None if told is None else Decimal(told))


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)
