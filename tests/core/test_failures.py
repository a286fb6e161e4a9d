"""Failures: what a body can catch and read of an error that happened in a step, days ago."""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading
import traceback
import urllib.error
from decimal import Decimal, InvalidOperation
from email.message import Message
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import pytest
from pydantic import BaseModel, ValidationError

from orchestrator.core import failures
from orchestrator.core.errors import (
    InvalidInput,
    NonRetryable,
    NotSerializable,
    StepFailed,
    StepTimeout,
)
from tests.core import troubles

Failure = dict[str, Any]


def recorded(error: BaseException) -> Failure:
    """As the engine records it: raised once, then JSON in a database."""
    try:
        raise error  # noqa: TRY301
    except BaseException as raised:
        return json.loads(json.dumps(failures.record(raised)))


def restored(failure: Failure) -> StepFailed:
    return failures.restore(failure, key="charge", attempts=3)


def again(error: BaseException) -> StepFailed:
    return restored(recorded(error))


def caught_from(function: Any, *args: Any) -> BaseException:
    try:
        function(*args)
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


BUILTIN = [
    ValueError("x"),
    ValueError(),
    ValueError("a", 1, None),
    Exception("plain"),
    KeyError("k"),
    KeyError(("a", 1)),
    IndexError("i"),
    OSError("only text"),
    OSError(5, "in/out"),
    OSError(2, "no", "file.txt"),
    OSError(18, "cross", "a", None, "b"),
    FileNotFoundError(2, "no such file", "/tmp/x"),
    ConnectionResetError(104, "reset"),
    TimeoutError("late"),
    TimeoutError(110, "late"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    UnicodeEncodeError("ascii", "é", 0, 1, "ordinal not in range"),
    SyntaxError("bad", ("f.py", 1, 2, "x =")),
    ImportError("no", name="numpy"),
    AttributeError("a"),
    ZeroDivisionError("division by zero"),
    RecursionError("deep"),
    InvalidOperation("decimal"),
    json.JSONDecodeError("Expecting value", "doc", 0),
    subprocess.CalledProcessError(1, ["ls"], b"out", b"err"),
    urllib.error.HTTPError("https://x", 404, "not found", Message(), None),
    ZoneInfoNotFoundError("Mars/Base"),
    NonRetryable("no"),
    NotSerializable("no"),
    InvalidInput("no"),
    caught_from(int, "x"),
    caught_from(json.loads, "{"),
    caught_from(Decimal, "x"),
]
OWN = [
    troubles.Plain("x"),
    troubles.Plain(Decimal("1.5"), {"a": (1,)}),
    troubles.Worded(5),
    troubles.Two(1, "x"),
    troubles.KeywordOnly("declined", code=5),
    troubles.Said(amount=7),
    troubles.Coded(1, "x"),
    troubles.Coded(code=1, text="x"),
    troubles.FrozenCoded(3),
    troubles.Stubborn("x"),
    troubles.Taken("x"),
    troubles.Outer.Nested("x"),
]


def shown(error: BaseException) -> str:
    return f"{type(error).__name__}-{str(error)[:20]}"


@pytest.mark.parametrize("error", [*BUILTIN, *OWN], ids=shown)
def test_an_error_is_one_of_its_own_class_and_a_step_failed(error):
    found = again(error)

    assert isinstance(found, type(error))
    assert isinstance(found, StepFailed)
    assert found.cause_type == type(error).__qualname__
    assert str(found) == str(error)


@pytest.mark.parametrize("error", [*BUILTIN, *OWN], ids=shown)
def test_an_error_is_the_same_after_a_second_round(error):
    first = recorded(error)

    second = recorded(restored(first))

    assert {**second, "args": None, "state": None} == {**first, "args": None, "state": None}
    assert type(restored(second)) is type(restored(first))
    assert str(restored(second)) == str(restored(first))
    assert restored(second).args == restored(first).args


def test_what_is_known_of_the_step():
    found = again(ValueError("wrong"))

    assert (found.key, found.attempts) == ("charge", 3)
    assert (found.cause_type, found.message) == ("ValueError", "wrong")
    assert "in recorded" in found.traceback
    assert found.traceback.endswith("ValueError: wrong\n")


def test_arguments_keep_their_types():
    found = again(ValueError(Decimal("1.5"), (1, 2), {3: "x"}))

    assert found.args == (Decimal("1.5"), (1, 2), {3: "x"})


@pytest.mark.parametrize(
    ("error", "names"),
    [
        (OSError(2, "no", "file.txt"), ["errno", "strerror", "filename"]),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), ["encoding", "object", "start"]),
        (ImportError("no", name="numpy"), ["name"]),
        (json.JSONDecodeError("Expecting", "doc", 1), ["msg", "doc", "pos", "lineno"]),
        (subprocess.CalledProcessError(3, "ls"), ["returncode", "cmd"]),
        (urllib.error.HTTPError("u", 404, "gone", Message(), None), ["code", "reason"]),
        (troubles.Worded(5), ["order"]),
        (troubles.Two(1, "x"), ["code", "text"]),
        (troubles.KeywordOnly("m", code=5), ["code"]),
        (troubles.Said(amount=7), ["amount"]),
        (troubles.Coded(code=1, text="x"), ["code", "text"]),
    ],
    ids=lambda value: "" if isinstance(value, list) else shown(value),
)
def test_an_error_keeps_its_attributes(error, names):
    found = again(error)

    assert {name: getattr(found, name) for name in names} == {
        name: getattr(error, name) for name in names
    }


def test_a_note_is_kept():
    error = ValueError("x")
    error.add_note("while charging card 5")

    found = again(error)

    assert found.__notes__ == ["while charging card 5"]
    assert "while charging card 5" in found.traceback


def test_the_engines_names_win_over_those_of_the_class():
    found = again(troubles.Taken("x"))

    assert (found.attempts, found.message) == (3, "x")


# ---- what cannot be restored entirely ------------------------------------------------


class Unstorable:
    def __repr__(self) -> str:
        return "<a socket>"


@pytest.mark.parametrize(
    "argument", [threading.Lock(), Unstorable(), "nul \x00", "\ud800", float("nan"), "x" * 20_000]
)
def test_an_error_with_unstorable_arguments_is_still_one_of_its_class(argument):
    found = again(troubles.Plain(argument))

    assert isinstance(found, troubles.Plain)
    assert str(found) == found.message


def test_unstorable_attributes_are_left_out():
    error = troubles.KeywordOnly("m", code=5)
    error.response = Unstorable()

    found = again(error)

    assert found.code == 5
    assert not hasattr(found, "response")


def test_a_class_that_cannot_be_imported_gives_a_step_failed():
    class Local(Exception):
        pass

    found = again(Local("x"))

    assert type(found) is StepFailed
    assert found.cause_type.endswith("<locals>.Local")
    assert str(found) == "x"


def test_a_class_that_is_gone_gives_a_step_failed(monkeypatch):
    failure = recorded(troubles.Plain("x"))
    failure["type"] = "tests.core.troubles:Removed"

    assert type(restored(failure)) is StepFailed


@pytest.mark.parametrize(
    "name", ["tests.core.troubles", "nowhere:X", "builtins:len", "builtins:int", "", ":"]
)
def test_a_name_that_is_no_error_gives_a_step_failed(name):
    assert type(restored(recorded(ValueError("x")) | {"type": name})) is StepFailed


def test_a_class_that_will_not_be_inherited_gives_a_step_failed():
    found = again(troubles.Final("x"))

    assert type(found) is StepFailed
    assert found.cause_type == "Final"


def test_a_constructor_that_fails_on_replay_changes_nothing(monkeypatch):
    failure = recorded(troubles.Expensive("x"))
    monkeypatch.setattr(troubles.Expensive, "is_there", False)

    assert isinstance(restored(failure), troubles.Expensive)


def test_arguments_whose_class_is_gone_do_not_hide_the_failure():
    failure = recorded(troubles.Plain("x"))
    failure["args"] = '[{"$":"dataclass","c":"nowhere:X","v":{}}]'

    found = restored(failure)

    assert isinstance(found, troubles.Plain)
    assert str(found) == "x"


@pytest.mark.parametrize("error", [troubles.Speechless(), troubles.Mumbling()], ids=type)
def test_an_error_that_cannot_be_shown_is_recorded(error):
    failure = recorded(error)

    assert failure["type"].endswith(type(error).__name__)
    assert type(error).__name__ in failures.summary(failure)
    assert isinstance(restored(failure), type(error))
    assert recorded(restored(failure))["type"] == failure["type"]


def test_text_is_fit_for_a_database():
    failure = recorded(ValueError("nul \x00 surrogate \ud800"))

    for part in ("message", "traceback"):
        assert "\x00" not in failure[part]
        assert failure[part].encode()
    assert isinstance(restored(failure), ValueError)


def test_a_failure_has_a_bounded_size():
    error = ValueError("m" * 100_000, "a" * 100_000)
    for _ in range(50):
        cause, error = error, ValueError("m" * 100_000)
        error.__cause__ = cause

    assert len(json.dumps(failures.record(error))) < 500_000


def test_the_end_of_a_long_traceback_is_kept():
    def deeper(depth: int) -> None:
        if depth == 0:
            raise ValueError("the end")
        [deeper, even][depth % 2](depth - 1)  # lines that are alike would be folded

    def even(depth: int) -> None:
        deeper(depth)

    text = failures.record(caught_from(deeper, 400))["traceback"]

    assert text.endswith("ValueError: the end\n")
    assert len(text) <= failures.MAX_TRACEBACK + 1


# ---- timeouts ------------------------------------------------------------------------


def test_a_timeout_is_a_step_timeout_for_good():
    first = again(TimeoutError("late"))
    second = again(first)

    for found in (first, second):
        assert isinstance(found, StepTimeout)
        assert isinstance(found, TimeoutError)
        assert found.cause_type == "TimeoutError"


def test_a_step_timeout_is_a_step_timeout_for_good():
    assert type(again(StepTimeout("late"))) is StepTimeout
    assert type(again(again(StepTimeout("late")))) is StepTimeout


# ---- what is no Exception ------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        SystemExit(3),
        KeyboardInterrupt(),
        GeneratorExit(),
        asyncio.CancelledError("c"),
        troubles.Weird("w"),
        BaseExceptionGroup("g", [SystemExit(1)]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_would_stop_the_body_is_only_a_step_failed(error):
    found = again(error)

    assert type(found) is StepFailed
    assert found.cause_type == type(error).__name__
    assert again(found).cause_type == "StepFailed"


@pytest.mark.parametrize("error", [StopIteration(5), StopAsyncIteration()], ids=type)
def test_what_would_look_like_a_return_is_only_a_step_failed(error):
    """A coroutine that raises StopIteration has returned, as far as Python can see."""
    found = again(error)

    assert type(found) is StepFailed
    assert not isinstance(found, (StopIteration, StopAsyncIteration))
    assert found.cause_type == type(error).__name__


# ---- causes and groups ---------------------------------------------------------------


def nested_error() -> BaseException:
    def lowest() -> None:
        raise KeyError("lowest")

    def middle() -> None:
        try:
            lowest()
        except KeyError:
            raise OSError(5, "middle")  # noqa: B904 - its context, not its cause

    def highest() -> None:
        try:
            middle()
        except OSError as error:
            raise ValueError("highest") from error

    return caught_from(highest)


def chain(error: BaseException | None) -> list[str]:
    found = []
    while error is not None:
        found.append(str(error))
        error = error.__cause__ or error.__context__
    return found


def test_causes_and_contexts_are_restored():
    found = again(nested_error())

    assert chain(found) == ["highest", "[Errno 5] middle", "'lowest'"]
    assert isinstance(found.__cause__, OSError)
    assert "in middle" in found.__cause__.traceback
    assert isinstance(found.__cause__.__cause__, KeyError)


def test_causes_are_the_same_after_a_second_round():
    first = failures.record(nested_error())

    assert failures.record(restored(first)) == first


def test_a_suppressed_context_is_left_out():
    def quiet() -> None:
        try:
            raise KeyError("hidden")  # noqa: TRY301
        except KeyError:
            raise ValueError("shown") from None

    assert "cause" not in failures.record(caught_from(quiet))


def test_causes_that_go_in_circles_have_an_end():
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one

    assert len(chain(restored(failures.record(one)))) == failures.MAX_CAUSES + 1


def test_an_error_of_an_error_names_the_step_that_failed():
    first = again(ValueError("first"))
    wrapped = caught_from(exec, "raise RuntimeError('wrapped') from first", {"first": first})

    found = restored(failures.record(wrapped))

    assert failures.failed_key(wrapped) == "charge"
    assert isinstance(found.__cause__, ValueError)
    assert found.__cause__.traceback == first.traceback


def test_the_failed_key_is_found_behind_groups_and_circles():
    group = ExceptionGroup("g", [ValueError("x"), again(KeyError("k"))])
    circle = ValueError("x")
    circle.__cause__ = circle

    assert failures.failed_key(group) == "charge"
    assert failures.failed_key(circle) == ""
    assert failures.failed_key(None) == ""


def test_a_group_is_a_group_of_restored_errors():
    """A step that uses a TaskGroup raises one: `except*` must find what is in it."""
    error = ExceptionGroup("g", [ConnectionError("a"), ExceptionGroup("h", [KeyError("b")])])

    found = again(error)

    assert isinstance(found, ExceptionGroup)
    assert isinstance(found, StepFailed)
    connection, rest = found.split(ConnectionError)
    assert [str(one) for one in connection.exceptions] == ["a"]
    assert rest.exceptions[0].exceptions[0].args == ("b",)
    assert str(found) == str(error)


def test_a_group_can_be_caught_by_its_parts():
    caught = []
    try:
        raise again(ExceptionGroup("g", [ConnectionError("a"), KeyError("b")]))
    except* ConnectionError as errors:
        caught += errors.exceptions
    except* KeyError as errors:
        caught += errors.exceptions

    assert [str(one) for one in caught] == ["a", "'b'"]


def test_a_group_is_the_same_after_a_second_round():
    first = recorded(ExceptionGroup("g", [ConnectionError("a"), KeyError("b")]))

    assert recorded(restored(first)) == first
    assert [str(one) for one in restored(first).exceptions] == ["a", "'b'"]


def test_an_error_of_pydantic_is_recorded():
    class Model(BaseModel):
        a: int

    error = caught_from(Model.model_validate, {"a": "x"})

    assert isinstance(error, ValidationError)
    assert isinstance(again(error), StepFailed)
    assert "valid integer" in str(again(error))


# ---- in a body -----------------------------------------------------------------------


def test_a_restored_error_can_be_raised_again_and_shown():
    try:
        try:
            raise again(troubles.Plain("x"))
        except StepFailed as error:
            raise RuntimeError("after that") from error
    except RuntimeError as error:
        text = "".join(traceback.format_exception(error))

    assert "Plain: x" in text


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("no such account"), "ValueError: no such account"),
        (ValueError(""), "ValueError"),
        (ValueError("first\nsecond"), "ValueError: first"),
        (troubles.Outer.Nested("x"), "Nested: x"),
    ],
)
def test_a_failure_in_one_line(error, line):
    assert failures.summary(failures.record(error)) == line
