"""The requests that the page about the REST API shows, sent in their order."""

from __future__ import annotations

import argparse
import json
import shlex
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from orchestrator.testing.runs import Runs
from tests.conftest import Person
from tests.docs.pages import ROOT, blocks

PAGE = ROOT / "docs" / "guide" / "rest.md"
BLOCKS = blocks(PAGE.read_text())
SENT = [
    (block, following)
    for block, following in zip(BLOCKS, [*BLOCKS[1:], None], strict=True)
    if block.language == "sh"
]

curl = argparse.ArgumentParser()
curl.add_argument("url")
curl.add_argument("-X", dest="method", default="GET")
curl.add_argument("-H", dest="headers", action="append", default=[])
curl.add_argument("-d", dest="data", default="")


class Shell:
    """A shell in which the page's variables are set. It knows one command."""

    def __init__(self, token: str) -> None:
        self.variables = {
            "$API": "/api/v1",
            "$AUTH": f"Authorization: Bearer {token}",
            "$JSON": "Content-Type: application/json",
        }

    def run(self, line: str) -> Any:
        for name, value in self.variables.items():
            line = line.replace(name, value)
        program, *words = shlex.split(line)
        assert program == "curl"
        asked = curl.parse_args(words)
        headers = dict(one.split(": ", 1) for one in asked.headers)
        content_type = headers.pop("Content-Type", "text/plain")
        return Client(enforce_csrf_checks=True).generic(
            asked.method, asked.url, asked.data, content_type=content_type, headers=headers
        )


@pytest.fixture
def operator(person: Person, transactional_db: None) -> None:
    person("omar", "Operator", "compliance-team")


def test_the_requests_on_the_page_are_answered_as_it_says(
    operator: None, runs: Runs, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.EXAMPLES_LATENCY = 0
    shell = Shell(_token(capsys))

    for block, following in SENT:
        response = shell.run(block.code)

        assert following is not None
        expected, answer = json.loads(following.code), response.json()
        assert (response.status_code < 400) == ("code" not in expected), answer
        assert differences(expected, answer, shell) == [], f"line {block.line}"
    assert len(SENT) > 6


def _token(capsys: pytest.CaptureFixture[str]) -> str:
    """What the command on the page prints."""
    [line] = [block.code for block in BLOCKS if "api_token create" in block.code]
    call_command(*shlex.split(line)[1:])
    return capsys.readouterr().out.strip()


def differences(expected: Any, found: Any, shell: Shell, path: str = "") -> list[str]:
    """Where an answer lacks what the page shows. It may have more fields than that.

    A variable that is not set yet stands for what is found.
    """
    if isinstance(expected, str) and expected.startswith("$"):
        shell.variables.setdefault(expected, found)
    if isinstance(expected, dict) and isinstance(found, dict):
        missing = [f"{path}.{name}: missing" for name in expected if name not in found]
        return missing + [
            line
            for name, value in expected.items()
            if name in found
            for line in differences(value, found[name], shell, f"{path}.{name}")
        ]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [
            line
            for index, (one, other) in enumerate(zip(expected, found, strict=True))
            for line in differences(one, other, shell, f"{path}[{index}]")
        ]
    wanted = shell.variables.get(expected, expected) if isinstance(expected, str) else expected
    return [] if wanted == found else [f"{path}: {wanted!r} is {found!r}"]


def test_a_difference_is_found() -> None:
    shell = Shell("")

    found = differences({"a": [{"b": 1}], "c": 2, "d": [1]}, {"a": [{"b": 2}], "d": []}, shell)

    assert found == [".c: missing", ".a[0].b: 1 is 2", ".d: [1] is []"]
