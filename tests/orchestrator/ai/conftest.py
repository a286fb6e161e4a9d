"""A service that speaks OpenAI's interface, on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Service:
    """A service that answers what the test has prepared, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.asked: list[tuple[dict[str, str], dict[str, object]]] = []
        self.hangs = threading.Event()
        # It stops in the middle of its answer.
        self.stalls = threading.Event()
        self.released = threading.Event()

    def will_say(self, content: str | None, **more: object) -> None:
        message = {"role": "assistant", "content": content}
        for name in ("tool_calls", "refusal"):
            if name in more:
                message[name] = more.pop(name)
        reply = {
            "id": "reply-1",
            "object": "chat.completion",
            "created": 1,
            "model": "gpt-test-2026",
            "choices": [
                {"index": 0, "message": message, "finish_reason": more.pop("finish", "stop")}
            ],
            "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
        }
        self.will_answer(200, json.dumps(reply).encode())

    def will_answer(self, status: int, body: bytes, **headers: str) -> None:
        self.answers.append((status, {k.replace("_", "-"): v for k, v in headers.items()}, body))


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            headers = {name.lower(): value for name, value in self.headers.items()}
            service.asked.append((headers | {"path": self.path}, body))
            if service.hangs.is_set():
                service.released.wait(10)
                return
            status, headers, text = service.answers.pop(0)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text[: len(text) // 2])
            if service.stalls.is_set():
                service.released.wait(10)
                return
            self.wfile.write(text[len(text) // 2 :])

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield service
    service.released.set()
    server.shutdown()
    thread.join()
    server.server_close()
