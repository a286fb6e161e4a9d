"""Models behind an OpenAI-compatible HTTP interface: `POST {base_url}/chat/completions`.

https://platform.openai.com/docs/api-reference/chat; the same is spoken by vLLM, Ollama,
LM Studio, llama.cpp and most gateways.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping
from typing import Any, Literal, get_args

from orchestrator.ai.errors import AiError, BadReply, ModelUnavailable
from orchestrator.ai.messages import Finish, Message, Reply, Request, ToolCall, Usage
from orchestrator.ai.services import error_of, secrets_in, without
from orchestrator.core.durations import Duration, parse_duration

# How a schema is asked for. "json_schema": the service holds the model to it.
# "json_object": it holds it to JSON only. "prompt": neither; the schema is in the prompt.
Structured = Literal["json_schema", "json_object", "prompt"]

MAX_REPLY = 8 * 1024 * 1024
_CONNECT_SECONDS = 10.0
_OK = 200
_LONGEST_PROBLEM = 500


class OpenAICompatible:
    """One service, as `ORCHESTRATOR_AI["providers"]` sets it up.

    `timeout` bounds one request, from connecting to the last byte.
    """

    def __init__(
        self,
        *,
        base_url: str = "https://api.openai.com/v1",
        api_key: str = "",
        timeout: Duration = "60s",
        structured: Structured = "json_schema",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise ValueError(f"base_url starts with http:// or https://, not {base_url!r}")
        if structured not in get_args(Structured):
            raise ValueError(f"structured is one of {get_args(Structured)}, not {structured!r}")
        api_key = api_key.strip()
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._timeout = parse_duration(timeout).total_seconds()
        self._structured = structured
        self._headers = dict(headers or {})
        self._secrets = secrets_in({**self._headers, "api_key": api_key})
        # The error of a header that cannot be sent would hold it.
        for what, text in {**self._headers, "api_key": api_key}.items():
            if not (text.isascii() and text.isprintable()):
                raise ValueError(f"{what} has characters that no header may have")
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"

    async def ask(self, request: Request) -> Reply:
        """Send the request. Raises ModelBusy, ModelUnavailable, ModelRefused or BadReply."""
        text = await self._post(self._body(request), request.idempotency_key)
        try:
            return _reply(text)
        except _NO_REPLY:
            start = without(self._secrets, text.decode(errors="replace"))[:200]
            raise BadReply(f"the reply is not what the interface promises: {start!r}") from None

    async def _post(self, body: dict[str, Any], key: str) -> bytes:
        import httpx2  # noqa: PLC0415 - takes a while to import, and not everybody needs it

        headers = self._headers | ({"Idempotency-Key": key} if key else {})
        timeout = httpx2.Timeout(self._timeout, connect=_CONNECT_SECONDS)
        try:
            async with (
                asyncio.timeout(self._timeout),
                httpx2.AsyncClient(timeout=timeout) as http,
                http.stream("POST", self._url, json=body, headers=headers) as response,
            ):
                text = await _read(response)
                if response.status_code != _OK:
                    raise self._error(response.status_code, response.headers, text)
                return text
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise ModelUnavailable(f"no answer within {self._timeout:g} s") from error
        except httpx2.HTTPError as error:
            # Without its cause, which is recorded too and knows the request.
            said = without(self._secrets, str(error))
            raise ModelUnavailable(f"{type(error).__name__}: {said}") from None

    def _error(self, status: int, headers: Mapping[str, str], text: bytes) -> AiError:
        told = without(self._secrets, _problem(text))[:_LONGEST_PROBLEM]
        return error_of(status, f"HTTP {status}: {told}", headers.get("retry-after"))

    def _body(self, request: Request) -> dict[str, Any]:
        messages = [_message(one) for one in request.messages]
        body: dict[str, Any] = {"model": request.model, "messages": messages, "stream": False}
        if request.schema is not None:
            body |= self._format(request.schema, messages)
        if request.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": one.name,
                        "description": one.description,
                        "parameters": one.parameters,
                    },
                }
                for one in request.tools
            ]
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.max_tokens is not None:
            body["max_completion_tokens"] = request.max_tokens
        return body

    def _format(self, schema: Mapping[str, Any], messages: list[dict[str, Any]]) -> dict[str, Any]:
        if self._structured == "json_schema":
            wanted = {"name": "output", "schema": schema}
            return {"response_format": {"type": "json_schema", "json_schema": wanted}}
        text = f"Answer with JSON of this schema and nothing else:\n{json.dumps(schema)}"
        messages.insert(0, {"role": "system", "content": text})
        is_json = self._structured == "json_object"
        return {"response_format": {"type": "json_object"}} if is_json else {}


def _message(message: Message) -> dict[str, Any]:
    told: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        told["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id:
        told["tool_call_id"] = message.tool_call_id
    return told


async def _read(response: Any) -> bytes:
    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MAX_REPLY:
            raise BadReply(f"a reply of more than {MAX_REPLY} bytes")
        parts.append(part)
    return b"".join(parts)


def _problem(text: bytes) -> str:
    """The service's own words."""
    try:
        found = json.loads(text)
        told = found["error"]["message"] if isinstance(found["error"], dict) else found["error"]
    except (ValueError, KeyError, TypeError, RecursionError):
        told = text.decode(errors="replace")
    return str(told)


# What reading something else than a reply ends in.
_NO_REPLY = (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError)


def _reply(text: bytes) -> Reply:
    found = json.loads(text)
    choice = found["choices"][0]
    message = choice["message"]
    usage = found.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Reply(
        content=_content(message),
        tool_calls=tuple(_tool_call(one) for one in message.get("tool_calls") or ()),
        usage=Usage(_count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))),
        model=str(found.get("model") or ""),
        finish=_finish(choice.get("finish_reason"), message),
    )


def _content(message: Mapping[str, Any]) -> str:
    found = message.get("content") or message.get("refusal") or ""
    if not isinstance(found, str):
        raise TypeError(f"content is text, and not {found!r}")
    return found


def _count(told: Any) -> int:
    """Tokens. An answer is not thrown away because they were counted wrongly."""
    is_number = isinstance(told, int | float) and math.isfinite(told)
    return max(int(told), 0) if is_number else 0


def _tool_call(told: Mapping[str, Any]) -> ToolCall:
    function = told["function"]
    arguments = function.get("arguments") or {}
    # Some services give the arguments as what they are, and no id.
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return ToolCall(str(told.get("id") or ""), str(function["name"]), text)


def _finish(reason: Any, message: Mapping[str, Any]) -> Finish:
    if message.get("refusal") or reason == "content_filter":
        return "refused"
    return "length" if reason == "length" else "stop"
