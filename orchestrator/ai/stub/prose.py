"""What the stub writes where text is wanted: about the input, and saying that it was made up."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from orchestrator.ai.messages import INPUT_HEADING, Message

_SENTENCES = (
    "{topic} deserves a closer look.",
    "Most readers know {topic} from the outside only.",
    "Three things matter: what it is for, what it costs, and who answers for it.",
    "A short example says more than a long definition.",
    "Whoever starts small finds out early what works.",
    "In the end {topic} is judged by those who use it every day.",
)
_NOTE = "(Written by the local stub; no model was asked.)"


def given_fields(messages: tuple[Message, ...]) -> dict[str, Any]:
    """The fields of what was given as input, nested ones too; the outer ones win."""
    found: dict[str, Any] = {}
    for message in messages:
        start = message.content.find("\n{")
        if message.role == "user" and start >= 0:
            try:
                _collect(json.loads(message.content[start:]), found)
            except ValueError:
                continue
    return found


def _collect(value: Mapping[str, Any], found: dict[str, Any]) -> None:
    for name, item in value.items():
        found.setdefault(name, item)
    for item in value.values():
        if isinstance(item, dict):
            _collect(item, found)


class Prose:
    """Sentences about what a request is about."""

    def __init__(self, messages: tuple[Message, ...], given: Mapping[str, Any], seed: int) -> None:
        self.topic = _topic(messages, given)
        self._seed = seed

    def text(self, count: int) -> str:
        first = self._seed % len(_SENTENCES)
        chosen = [_SENTENCES[(first + step) % len(_SENTENCES)] for step in range(count)]
        sentences = (one.format(topic=self.topic) for one in chosen)
        return " ".join([*(one[0].upper() + one[1:] for one in sentences), _NOTE])


def _topic(messages: tuple[Message, ...], given: Mapping[str, Any]) -> str:
    for name in ("topic", "title", "subject", "name"):
        if isinstance(found := given.get(name), str) and found:
            return found
    # What stands above an input is for a model, and no part of what it is about.
    words = re.findall(r"\w+", messages[-1].content.removeprefix(INPUT_HEADING))
    return " ".join(words[:6]) or "this"
