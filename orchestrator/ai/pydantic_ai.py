"""Every model that pydantic-ai knows, as `pydantic-ai:anthropic:claude-…` (the extra `ai`).

One request at a time: turns, tools and retries stay with the workflow, where they are
recorded. https://ai.pydantic.dev/direct/
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

from orchestrator.ai.errors import AiError, BadReply, ModelRefused, ModelUnavailable, UnknownModel
from orchestrator.ai.messages import Finish, Message, Reply, Request, ToolCall, Usage
from orchestrator.ai.services import error_of, secrets_in, without

# The tool that a model answers with, if it takes no schemas otherwise.
_ANSWER = "final_result"


class PydanticAI:
    """Hands requests to pydantic-ai. `model` replaces the one that a request names."""

    def __init__(self, *, model: Any = None) -> None:
        self._model = model

    async def ask(self, request: Request) -> Reply:
        """Send the request. Raises ModelBusy, ModelUnavailable, ModelRefused or BadReply."""
        try:
            # More than a second to import, and an extra.
            from pydantic_ai import direct, exceptions, models  # noqa: PLC0415
        except ImportError as error:
            raise UnknownModel(
                "models of pydantic-ai need the extra: pip install 'django-orchestrator[ai]'"
            ) from error
        try:
            model = self._model or _patient(models.infer_model(request.model))
            response = await direct.model_request(
                model,
                _history(request.messages),
                model_settings=_settings(request),
                model_request_parameters=_parameters(request, model, models),
            )
        except ImportError as error:
            raise UnknownModel(
                f"the client of {request.model} is not installed: {error}"
            ) from error
        # Each without its cause, which is recorded too, and may hold a key.
        except exceptions.ModelHTTPError as error:
            raise _error(error) from None
        except exceptions.UnexpectedModelBehavior as error:
            raise BadReply(_said_by(error)) from None
        except exceptions.ModelAPIError as error:
            raise ModelUnavailable(_said_by(error)) from None
        except exceptions.UserError as error:
            raise ModelRefused(_said_by(error)) from None
        return _reply(response)


def _patient(model: Any) -> Any:
    """A service's own client would wait in here, for minutes, and hold the attempt; the step
    waits outside, and holds nothing."""
    client: Any = getattr(model, "client", None)
    if isinstance(getattr(client, "max_retries", None), int):
        client.max_retries = 0
    return model


def _error(error: Any) -> AiError:
    """What the service says. The client's own error has its headers."""
    headers = getattr(getattr(error.__cause__, "response", None), "headers", {})
    return error_of(error.status_code, _said_by(error), headers.get("retry-after"))


def _said_by(error: Exception) -> str:
    # The keys are where the services' own clients look for them.
    return without(secrets_in(os.environ), str(error))


def _parameters(request: Request, model: Any, models: Any) -> Any:
    from pydantic_ai.tools import ToolDefinition  # noqa: PLC0415 - see above

    tools = [
        ToolDefinition(
            name=one.name,
            description=one.description,
            parameters_json_schema=dict(one.parameters),
        )
        for one in request.tools
    ]
    if request.schema is None:
        return models.ModelRequestParameters(function_tools=tools, allow_text_output=True)
    schema = dict(request.schema)
    mode = _output_mode(model)
    answer = ToolDefinition(
        name=_ANSWER, description="The answer.", parameters_json_schema=schema, kind="output"
    )
    return models.ModelRequestParameters(
        function_tools=tools,
        output_mode=mode,
        output_object=models.OutputObjectDefinition(name="output", json_schema=schema),
        output_tools=[answer] if mode == "tool" else [],
        allow_text_output=mode != "tool",
    )


def _output_mode(model: Any) -> str:
    """How the model is asked for a schema: as it knows it, or else by the call of a tool."""
    if model.profile.get("supports_json_schema_output"):
        return "native"
    return str(model.profile.get("default_structured_output_mode", "tool"))


def _settings(request: Request) -> Any:
    wanted = {"temperature": request.temperature, "max_tokens": request.max_tokens}
    return {name: value for name, value in wanted.items() if value is not None}


def _history(messages: Sequence[Message]) -> list[Any]:
    from pydantic_ai import messages as parts  # noqa: PLC0415 - see above

    names = {call.id: call.name for message in messages for call in message.tool_calls}
    history: list[Any] = []
    for message in messages:
        match message.role:
            case "assistant":
                history.append(parts.ModelResponse(parts=_said(message, parts)))
                continue
            case "system":
                part: Any = parts.SystemPromptPart(content=message.content)
            case "user":
                part = parts.UserPromptPart(content=message.content)
            case "tool":
                part = parts.ToolReturnPart(
                    tool_name=names.get(message.tool_call_id, "tool"),
                    content=message.content,
                    tool_call_id=message.tool_call_id,
                )
        if history and isinstance(history[-1], parts.ModelRequest):
            history[-1] = parts.ModelRequest(parts=[*history[-1].parts, part])
        else:
            history.append(parts.ModelRequest(parts=[part]))
    return history


def _said(message: Message, parts: Any) -> list[Any]:
    said: list[Any] = [parts.TextPart(content=message.content)] if message.content else []
    return said + [
        parts.ToolCallPart(tool_name=call.name, args=call.arguments, tool_call_id=call.id)
        for call in message.tool_calls
    ]


def _reply(response: Any) -> Reply:
    calls = [part for part in response.parts if part.part_kind == "tool-call"]
    answers = [_arguments(part.args) for part in calls if part.tool_name == _ANSWER]
    texts = [part.content for part in response.parts if part.part_kind == "text"]
    reasons: dict[str | None, Finish] = {"length": "length", "content_filter": "refused"}
    return Reply(
        content=answers[0] if answers else "".join(texts),
        tool_calls=tuple(
            ToolCall(part.tool_call_id, part.tool_name, _arguments(part.args))
            for part in calls
            if not answers
        ),
        usage=Usage(response.usage.input_tokens, response.usage.output_tokens),
        model=response.model_name or "",
        finish=reasons.get(response.finish_reason, "stop"),
    )


def _arguments(args: Any) -> str:
    if args is None:
        return "{}"
    return args if isinstance(args, str) else json.dumps(args)
