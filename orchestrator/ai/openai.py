"""Models behind an OpenAI-compatible HTTP interface: `POST {base_url}/chat/completions`.

https://platform.openai.com/docs/api-reference/chat; the same is spoken by vLLM, Ollama,
LM Studio, llama.cpp and most gateways.
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from django.utils import timezone

from orchestrator.ai.errors import BadReply, ModelBusy, ModelRefused, ModelUnavailable
from orchestrator.ai.messages import Finish, Message, Reply, Request, ToolCall, Usage
from orchestrator.core.durations import Duration, parse_duration

# How a schema is asked for. "json_schema": the service holds the model to it.
# "json_object": it holds it to JSON only. "prompt": neither; the schema is in the prompt.
Structured = Literal["json_schema", "json_object", "prompt"]

MAX_REPLY = 8 * 1024 * 1024
_CONNECT_SECONDS = 10.0
_TOO_MANY, _SERVER_ERROR = 429, 500
# Headers whose values are nobody's business.
_SECRET = re.compile("key|token|secret|auth", re.IGNORECASE)
# Worth another attempt: time-out, conflict, too early.
_PASSING = (408, 409, 425)


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
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._timeout = parse_duration(timeout).total_seconds()
        self._structured = structured
        self._headers = dict(headers or {})
        named = (value for name, value in self._headers.items() if _SECRET.search(name))
        self._secrets = [secret for secret in (api_key, *named) if secret]
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"

    async def ask(self, request: Request) -> Reply:
        """Send the request. Raises ModelBusy, ModelUnavailable, ModelRefused or BadReply."""
        return _reply(await self._post(self._body(request), request.idempotency_key))

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
                _check(response.status_code, response.headers, self._without_secrets(text))
                return text
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise ModelUnavailable(f"no answer within {self._timeout:g} s") from error
        except httpx2.HTTPError as error:
            raise ModelUnavailable(f"{type(error).__name__}: {error}") from error

    def _without_secrets(self, text: bytes) -> bytes:
        """What goes into an error: a service may repeat the key that it does not know."""
        for secret in self._secrets:
            text = text.replace(secret.encode(), b"[hidden]")
        return text

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


def _check(status: int, headers: Mapping[str, str], text: bytes) -> None:
    """Raise what a status other than 200 means."""
    if status == 200:  # noqa: PLR2004 - the status itself
        return
    told = f"HTTP {status}: {_problem(text)}"
    waiting = _retry_after(headers.get("retry-after"))
    if status == _TOO_MANY or (status >= _SERVER_ERROR and waiting is not None):
        raise ModelBusy(told, waiting)
    if status >= _SERVER_ERROR or status in _PASSING:
        raise ModelUnavailable(told)
    raise ModelRefused(told)


def _problem(text: bytes) -> str:
    """The service's own words."""
    try:
        found = json.loads(text)
        told = found["error"]["message"] if isinstance(found["error"], dict) else found["error"]
    except (ValueError, KeyError, TypeError):
        told = text.decode(errors="replace")
    return str(told)[:500]


def _retry_after(value: str | None) -> timedelta | None:
    """Seconds or an HTTP date (RFC 9110, 10.2.3); None when it says neither."""
    if value is None:
        return None
    try:
        return max(timedelta(seconds=float(value)), timedelta(0))
    except (ValueError, OverflowError):
        pass
    try:
        at = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(at - timezone.now(), timedelta(0)) if at.tzinfo else None


def _reply(text: bytes) -> Reply:
    try:
        found = json.loads(text)
        choice = found["choices"][0]
        message = choice["message"]
        calls = tuple(_tool_call(one) for one in message.get("tool_calls") or ())
        usage = found.get("usage") or {}
        return Reply(
            content=_content(message),
            tool_calls=calls,
            usage=Usage(
                int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
            ),
            model=str(found.get("model") or ""),
            finish=_finish(choice.get("finish_reason"), message),
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        start = text[:200].decode(errors="replace")
        raise BadReply(f"the reply is not what the interface promises: {start!r}") from error


def _content(message: Mapping[str, Any]) -> str:
    found = message.get("content") or message.get("refusal") or ""
    if not isinstance(found, str):
        raise TypeError(f"content is text, and not {found!r}")
    return found


def _tool_call(told: Mapping[str, Any]) -> ToolCall:
    function = told["function"]
    return ToolCall(str(told["id"]), str(function["name"]), str(function.get("arguments") or "{}"))


def _finish(reason: Any, message: Mapping[str, Any]) -> Finish:
    if message.get("refusal") or reason == "content_filter":
        return "refused"
    return "length" if reason == "length" else "stop"
