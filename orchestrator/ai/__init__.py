"""Steps that a language model does: recorded once, retried, with an output of your type.

from orchestrator.ai import generate

draft = await generate(ctx, "generate-draft", prompt="Write a post.", input=brief, output=Draft)
"""

from orchestrator.ai.errors import (
    AiError,
    BadReply,
    InvalidAnswer,
    ModelBusy,
    ModelRefused,
    ModelUnavailable,
    OverBudget,
    TooManyTurns,
    UnknownModel,
    WrongCall,
)
from orchestrator.ai.generating import generate
from orchestrator.ai.messages import Message, Provider, Reply, Request, ToolCall, ToolSpec, Usage
from orchestrator.ai.tools import Tool, tool

__all__ = [
    "AiError",
    "BadReply",
    "InvalidAnswer",
    "Message",
    "ModelBusy",
    "ModelRefused",
    "ModelUnavailable",
    "OverBudget",
    "Provider",
    "Reply",
    "Request",
    "TooManyTurns",
    "Tool",
    "ToolCall",
    "ToolSpec",
    "UnknownModel",
    "Usage",
    "WrongCall",
    "generate",
    "tool",
]
