"""What an attempt has used: tokens, time and money, shown with its step."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from orchestrator.ai.messages import Reply, Usage
from orchestrator.conf import conf
from orchestrator.core.step import current_step

# The details of a step under which the dashboard finds the account.
DETAILS = "ai"
_MILLION = 1_000_000


class Account:
    """Adds up the requests of one attempt and tells the step after each."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._answered_by = ""
        self._usage = Usage()
        self._requests = 0
        self._seconds = 0.0

    def add(self, reply: Reply, seconds: float) -> None:
        """A reply has come, after `seconds`."""
        self._usage += reply.usage
        self._answered_by = reply.model or self._answered_by
        self._requests += 1
        self._seconds += seconds
        current_step().heartbeat({DETAILS: self._details()})

    def _details(self) -> dict[str, Any]:
        price = cost(self._model, self._usage)
        return {
            "model": self._model,
            "answered_by": self._answered_by,
            "input_tokens": self._usage.input_tokens,
            "output_tokens": self._usage.output_tokens,
            "requests": self._requests,
            "seconds": round(self._seconds, 3),
            "cost": None if price is None else str(price),
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
