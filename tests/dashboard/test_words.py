"""What the pages say of values and errors, and what they keep to themselves."""

from __future__ import annotations

import doctest
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from types import ModuleType
from typing import NamedTuple
from uuid import UUID

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from dashboard import errors, live, payloads, redaction, rows
from dashboard.payloads import payload, plain
from dashboard.redaction import REDACTED, redacted, redacted_text, shape
from orchestrator.core import failures
from orchestrator.values import encode


@pytest.mark.parametrize("module", [errors, live, payloads, redaction, rows])
def test_the_examples_in_the_docstrings(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


# ---- redaction -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "Passphrase",
        "client_secret",
        "apiKey",
        "api-key",
        "X-Api-Key",
        "AUTHORIZATION",
        "cookie",
        "iban",
        "cardNumber",
        "ssn",
        "refresh_token",
    ],
)
def test_a_secret_is_hidden_by_its_name(name: str) -> None:
    assert redacted({"deep": [{name: "s3cret"}]}) == {"deep": [{name: REDACTED}]}


def test_all_of_a_secret_object_is_hidden() -> None:
    assert redacted({"card": {"number": "4111"}}) == {"card": REDACTED}


def test_what_says_only_whether_there_is_one_stays() -> None:
    assert redacted({"token": None, "passed": True}) == {"token": None, "passed": True}


def test_the_rule_can_be_replaced() -> None:
    with override_settings(ORCHESTRATOR_REDACT="salary"):
        assert redacted({"salary": 1, "token": 2}) == {"salary": REDACTED, "token": 2}
        assert redacted_text("salary=1 token=2") == f"salary={REDACTED} token=2"


@pytest.mark.parametrize(
    "text",
    [
        "401: token=s3cret",
        "Authorization: Bearer s3cret",
        "bad {'password': 's3cret', 'a': 1}",
        'bad {"api_key": "s3cret"}',
        "password = s3cret",
        "postgres://app:s3cret@db:5432/app is down",
        "client_secret:s3cret)",
        '{"api_key": "a\\"s3cret"}',
    ],
)
def test_a_message_keeps_its_secret(text: str) -> None:
    assert "s3cret" not in redacted_text(text)
    assert REDACTED in redacted_text(text)


def test_a_long_text_without_spaces_takes_no_time() -> None:
    text = "pass" + "x" * 300_000

    # It would take longer than a test may.
    assert redacted_text(text) == text


def test_an_ordinary_message_is_left_alone() -> None:
    text = "KeyError: 'total' at https://shop.example:8000/a?b=1 (attempt: 3)"

    assert redacted_text(text) == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_value_can_be_redacted_and_described(value: object) -> None:
    assert redacted(redacted(value)) == redacted(value)
    assert shape(value)


# ---- values ----------------------------------------------------------------------------


class Colour(Enum):
    RED = "red"


class Point(NamedTuple):
    x: int
    y: int


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (datetime(2026, 1, 5, 12, tzinfo=UTC), "2026-01-05T12:00:00+00:00"),
        (date(2026, 1, 5), "2026-01-05"),
        (timedelta(days=1, hours=2), "1 day, 2:00:00"),
        (Decimal("1.50"), "1.50"),
        (UUID(int=7), str(UUID(int=7))),
        (b"abcd", "4 bytes"),
        ((1, 2), [1, 2]),
        ({1, 2}, [1, 2]),
        ({1: "a"}, {"1": "a"}),
        (Colour.RED, "Colour.RED"),
        (Point(1, 2), [1, 2]),
        (12345678901234567890, 12345678901234567890),
        ({"$": "x"}, {"$": "x"}),
    ],
)
def test_a_stored_value_is_what_a_person_would_write(value: object, shown: object) -> None:
    assert plain(encode(value)) == shown


def test_a_value_with_a_tag_that_nobody_knows_is_shown_as_it_is() -> None:
    assert plain('{"$":"future","v":1}') == {"$": "future", "v": 1}
    assert plain('{"$":[1],"v":1}') == {"$": [1], "v": 1}
    assert plain('{"$":"timedelta","v":"x"}') == {"$": "timedelta", "v": "x"}


def test_who_may_not_see_a_value_gets_its_shape_and_nothing_of_it() -> None:
    hidden = payload(encode({"name": "Ana", "items": [1, 2]}), is_visible=False)

    assert hidden is not None
    assert hidden.value is None
    assert hidden.shape == "{name: str, items: list[2]}"


# ---- errors ----------------------------------------------------------------------------


def recorded() -> dict[str, object]:
    try:
        try:
            plain("{")
        except ValueError as error:
            raise ConnectionError("token=s3cret\nand more") from error
    except ConnectionError as error:
        return failures.record(error)


def test_frames_of_libraries_are_folded_and_the_author_s_are_not() -> None:
    found = errors.problem(recorded(), is_visible=True)

    assert found is not None
    [group] = found.groups
    assert group.is_app
    assert group.frames[0].function == "recorded"
    # The source line held a secret as well.
    assert "s3cret" not in group.frames[0].code
    assert found.message == f"token={REDACTED}\nand more"
    [cause] = found.causes
    assert [one.is_app for one in cause.groups] == [True, False]


def test_who_may_not_see_payloads_gets_types_alone() -> None:
    found = errors.problem(recorded(), is_visible=False)

    assert found is not None
    assert (found.type, found.message, found.groups, found.raw) == ("ConnectionError", None, (), "")
    assert [cause.message for cause in found.causes] == [None]


@pytest.mark.parametrize(
    ("path", "is_app"),
    [
        ("/srv/shop/workflows.py", True),
        ("/venv/lib/python3.12/site-packages/requests/api.py", False),
        ("/usr/lib/python3.11/asyncio/tasks.py", False),
        ("/srv/orchestrator/engine/executor.py", False),
        ("<frozen importlib._bootstrap>", False),
    ],
)
def test_whose_code_a_frame_is(path: str, is_app: bool) -> None:
    assert errors.Frame(path, 1, "f", "").is_app is is_app


def test_a_traceback_without_frames_is_shown_whole() -> None:
    failure = {"type": "m:E", "message": "x", "traceback": "  | something else\npassword=s3cret"}

    found = errors.problem(failure, is_visible=True)

    assert found is not None
    assert found.groups == ()
    assert found.raw == f"  | something else\npassword={REDACTED}"


def test_a_long_message_is_cut_in_a_line() -> None:
    line = errors.line("m:E", "x" * 500, is_visible=True)

    assert len(line) == errors.MAX_LINE
    assert line.endswith("…")
