"""What the REST API says of models: what they have used, and what was said."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel, Field


class ModelUse(BaseModel):
    """What AI steps have used, with corrections and with attempts that failed."""

    model: str = Field(examples=["openai:gpt-5-mini"], description="Of several, all of them.")
    answered_by: str = Field(description="The model as the service names it.")
    requests: int
    input_tokens: int
    output_tokens: int
    seconds: float = Field(description="Spent waiting for answers.")
    cost: Decimal | None = Field(
        description="In the currency of the prices in the settings; null when one is missing."
    )


class Said(BaseModel):
    """A message to a model, or a call of a tool that it asked for."""

    who: str = Field(description="The role of a message, the name of a tool.")
    text: str = Field(description="The message, shortened if it was long; the arguments, as JSON.")
