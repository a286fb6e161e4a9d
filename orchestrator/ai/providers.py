"""Which provider a model belongs to: `openai:gpt-…` is the model `gpt-…` of `openai`."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from orchestrator.ai.errors import UnknownModel
from orchestrator.ai.messages import Provider
from orchestrator.conf import conf

DEFAULT_MODEL = "stub:local"

# What is there without settings. A provider of yours: any class with `ask`.
_BUILT_IN = {
    "stub": "orchestrator.ai.stub.Stub",
    "openai": "orchestrator.ai.openai.OpenAICompatible",
    "pydantic-ai": "orchestrator.ai.pydantic_ai.PydanticAI",
}


def find(name: str | None) -> tuple[Provider, str, str]:
    """The provider of a model, the model's whole name, and its name there.

    None is the default model of `ORCHESTRATOR_AI`. Raises UnknownModel.
    """
    name = name or conf.AI.get("default") or DEFAULT_MODEL
    prefix, colon, model = name.partition(":")
    if not colon or not model:
        raise UnknownModel(f"a model is named provider:model, such as {DEFAULT_MODEL!r}: {name!r}")
    if (replacement := _replacements[-1] if _replacements else None) is not None:
        return replacement, name, model
    return _provider(prefix), name, model


def _provider(prefix: str) -> Provider:
    options = dict(conf.AI.get("providers", {}).get(prefix, {}))
    known = _made.get(prefix)
    # Settings change in tests only, and then the provider does too.
    if known is None or known[0] != options:
        known = _made[prefix] = (options, _make(prefix, dict(options)))
    return known[1]


def _make(prefix: str, options: dict[str, Any]) -> Provider:
    path = options.pop("class", None) or _BUILT_IN.get(prefix)
    if path is None:
        known = ", ".join(sorted({*_BUILT_IN, *conf.AI.get("providers", {})}))
        raise UnknownModel(f"no provider is called {prefix!r}; there are {known}")
    module, _, name = path.rpartition(".")
    try:
        kind = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UnknownModel(f"the provider {path} cannot be imported: {error}") from error
    try:
        made: Provider = kind(**options)
    except (TypeError, ValueError) as error:
        raise UnknownModel(f"the provider {path} cannot be set up: {error}") from error
    return made


# By prefix: the options that a provider was made with, and the provider.
_made: dict[str, tuple[dict[str, Any], Provider]] = {}

# Set by `orchestrator.ai.testing` for the length of a test.
_replacements: list[Provider] = []


def push(provider: Provider) -> None:
    """Let `provider` answer for every model, until `pop`."""
    _replacements.append(provider)


def pop() -> None:
    """End what `push` began."""
    _replacements.pop()
