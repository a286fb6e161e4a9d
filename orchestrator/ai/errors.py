"""What can go wrong with a model, told apart by whether another attempt may help."""

from __future__ import annotations

from datetime import timedelta

from orchestrator.core.errors import NonRetryable, OrchestratorError


class AiError(OrchestratorError):
    """A model gave no usable answer."""


class ModelUnavailable(AiError):
    """The service did not answer, or failed. Another attempt may succeed."""


class ModelBusy(ModelUnavailable):
    """The service asks for patience; the step waits at least `retry_after`."""

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[type[ModelBusy], tuple[str, timedelta | None]]:
        return type(self), (str(self), self.retry_after)


class BadReply(AiError):
    """The answer is none: not JSON, empty, or text that no database stores."""


class ModelRefused(AiError, NonRetryable):
    """The service or the model declines: a wrong key, an unknown model, a refused content."""


class InvalidAnswer(AiError, NonRetryable):
    """The model's output does not fit the type, though it was asked again."""


class TooManyTurns(AiError, NonRetryable):
    """An agent went on calling tools for longer than it may."""


class OverBudget(AiError, NonRetryable):
    """To ask again would go beyond the tokens or the money that may be spent."""


class WrongCall(AiError, NonRetryable):
    """A model called a tool that there is not, or with arguments that do not fit."""


class UnknownModel(AiError, NonRetryable):
    """No provider is set up for this model, or no price where one is needed."""
