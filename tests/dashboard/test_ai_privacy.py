"""Prompts, answers, tools and their errors: shown to nobody who may not see payloads, anywhere.

Every address of the product is asked for, with every run, step and tab that there is.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from itertools import product

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pydantic import BaseModel

from orchestrator import Context, Retry, Run, workflow
from orchestrator.ai import Reply, generate, tool
from orchestrator.ai.asking import MAX_SHOWN
from orchestrator.ai.testing import call, replies
from orchestrator.models import Entry
from orchestrator.testing.runs import Runs

HIDDEN = "hunter-4711"
SAID = {"name": HIDDEN, "text": f"Ask {HIDDEN}."}
TABS = ("timeline", "events", "values", "history", "path", "audit")


class Letter(BaseModel):
    text: str
    api_key: str = ""


def look_up(name: str, api_key: str = "") -> dict[str, str]:
    return {"found": f"{name} is {HIDDEN}", "token": api_key}


def fail(name: str) -> None:
    raise LookupError(f"{name} of {HIDDEN} is gone")


@workflow(name="private")
async def private(ctx: Context, said: dict[str, object]) -> Letter:
    letter = await generate(
        ctx,
        "write",
        type="agentic",
        system=f"You work for {HIDDEN}.",
        prompt=f"Write to {HIDDEN}.",
        input=said,
        output=Letter,
        tools=[look_up, tool(fail, retry=Retry(max_attempts=1))],
    )
    await generate(ctx, "judge", prompt=f"Judge {HIDDEN}.", retry=Retry(max_attempts=2))
    return letter


CALLS = [call("look_up", name=HIDDEN), call("fail", name=HIDDEN), call(HIDDEN)]
LETTER = {"text": f"Dear {HIDDEN}"}
REFUSED = Reply(content=f"I know {HIDDEN}", finish="refused")


@pytest.fixture
def told(runs: Runs) -> list[Run[Letter]]:
    """One that failed, one that waits for a retry, one that has ended."""
    made = []
    for last in (REFUSED, ConnectionError(f"{HIDDEN} hung up"), f"{HIDDEN} is fine"):
        with replies(CALLS, "no JSON", LETTER, last):
            made.append(runs.start(private, SAID))
    assert [run.status for run in made] == ["failed", "awaiting_retry", "completed"]
    return made


def addresses(runs: list[Run[Letter]]) -> set[str]:
    """Each address of the product that is about something that there is."""
    keys = set(Entry.objects.values_list("key", flat=True))
    found = set()
    for run, key in product(runs, keys):
        values = {"run_id": str(run.id), "key": key, "name": "private"}
        for route in routes(get_resolver().url_patterns):
            needed = re.findall(r"<(?:\w+:)?(\w+)>", route)
            if set(needed) <= values.keys():
                found.add("/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route).format(**values))
        found |= {f"/ops/runs/{run.id}/?tab={tab}" for tab in TABS}
        found.add(f"/ops/runs/{run.id}/?" + f"step={key}".replace("#", "%23"))
    return {one.replace("#", "%23") for one in found}


def routes(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for one in patterns:
        route = before + re.sub(r"^\^|\$$|\\Z", "", str(one.pattern))
        if isinstance(one, URLResolver):
            yield from routes(one.url_patterns, route)
        else:
            yield route


def pages(client: Client, runs: list[Run[Letter]]) -> dict[str, str]:
    """What each address answers."""
    answers = {address: client.get(address) for address in sorted(addresses(runs))}
    return {
        address: (
            b"".join(answer.streaming_content) if answer.streaming else answer.content
        ).decode(errors="replace")
        for address, answer in answers.items()
    }


def showing(found: dict[str, str], text: str) -> list[str]:
    return [address for address, page in found.items() if text in page]


def test_who_may_not_see_payloads_sees_none_of_it_anywhere(
    viewer: Client, told: list[Run[Letter]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    found = pages(viewer, told)

    assert showing(found, HIDDEN) == []
    assert len(showing(found, "private")) > 20
    assert HIDDEN not in caplog.text


def test_who_may_see_payloads_sees_it_with_the_step(
    operator: Client, told: list[Run[Letter]]
) -> None:
    run = told[0]

    page = operator.get(f"/ops/runs/{run.id}/?step=write").content.decode()
    detail = operator.get(f"/api/v1/runs/{run.id}/steps/write").json()

    assert f"Write to {HIDDEN}." in page
    assert [one["who"] for one in detail["asked"]] == ["system", "user", "user"]
    assert [one["who"] for one in detail["called"]] == ["look_up", "fail", HIDDEN]


SECRET = "sk-no-one-may-see-this"


@pytest.mark.parametrize(
    "given",
    [
        {"api_key": SECRET, "text": "hello"},
        {"headers": [{"Authorization": f'Bearer "{SECRET}"\\{SECRET}'}]},
        # Too long to be kept whole, so that what is kept is no JSON.
        {"card": {"number": SECRET, "of": [SECRET]}, "long": "x" * MAX_SHOWN},
        {"long": "x" * (MAX_SHOWN - 300), "pass": [f'{SECRET}" {SECRET}'] * 200},
    ],
    ids=["a field", "deep inside", "shortened", "cut off inside"],
)
def test_fields_with_secret_names_are_shown_to_nobody(
    operator: Client, runs: Runs, given: dict[str, object]
) -> None:
    answer = {"text": "Dear you", "api_key": SECRET}
    with replies(call("look_up", name="x", api_key=SECRET), answer, "fine"):
        run = runs.start(private, given)

    found = pages(operator, [run])

    assert run.status == "completed"
    assert showing(found, SECRET) == []
    assert showing(found, "Dear you")


def test_text_around_secrets_is_still_there(operator: Client, runs: Runs) -> None:
    given = {"card": {"number": SECRET}, "amount": 4711, "long": "x" * MAX_SHOWN}
    with replies(LETTER, "fine"):
        run = runs.start(private, given)

    detail = json.loads(operator.get(f"/api/v1/runs/{run.id}/steps/write").content)

    shown = next(one["text"] for one in detail["asked"] if "data, not" in one["text"])
    assert '"amount": 4711' in shown
    assert "more characters" in shown
    assert '"card": •••• redacted' in shown
