"""Whether a reply is one that can be used and stored."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from orchestrator.ai.errors import BadReply, ModelRefused
from orchestrator.ai.messages import Reply, ToolCall
from orchestrator.core.codec import encode
from orchestrator.core.errors import NotSerializable

# A model that calls more at once has lost its way.
MAX_CALLS = 100
# NUL as JSON writes it, and not the six characters of its escape.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def checked(reply: Reply, *, may_call: bool, is_text: bool) -> Reply:
    """`reply`, each of its calls with an id of its own.

    Raises ModelRefused for an answer that was cut off or refused, and BadReply, which is
    worth another attempt, for what is no answer.
    """
    if reply.finish == "length":
        raise ModelRefused(
            "the model's output was cut off at its limit of tokens: raise max_tokens, "
            "or ask for less"
        )
    if reply.finish == "refused":
        raise ModelRefused(f"the model refused: {reply.content[:500] or 'no reason given'}")
    if reply.tool_calls:
        _check_calls(reply.tool_calls, may_call=may_call)
    elif is_text and not reply.content.strip():
        raise BadReply("the model answered nothing")
    _check_text(reply, is_text=is_text)
    return replace(reply, tool_calls=tuple(_numbered(reply.tool_calls)))


def _check_calls(calls: tuple[ToolCall, ...], *, may_call: bool) -> None:
    if not may_call:
        raise BadReply("the model called tools, and it was given none")
    if len(calls) > MAX_CALLS:
        raise BadReply(f"the model called {len(calls)} tools at once; {MAX_CALLS} are the limit")


def _check_text(reply: Reply, *, is_text: bool) -> None:
    texts = [part for call in reply.tool_calls for part in (call.id, call.name, call.arguments)]
    try:
        encode([reply.content, *texts], root="the reply")
    except NotSerializable as error:
        raise BadReply(str(error)) from None
    if not is_text and not reply.tool_calls and _NUL.search(reply.content):
        raise BadReply("the reply holds a NUL character")


def _numbered(calls: tuple[ToolCall, ...]) -> Iterable[ToolCall]:
    """Some services leave the id out, or give the same one twice."""
    known = set()
    for number, call in enumerate(calls, 1):
        made = call.id if call.id and call.id not in known else f"{call.id or 'call'}-{number}"
        known.add(made)
        yield replace(call, id=made)
