"""Which failures have the same signature."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestrator.core import failures
from orchestrator.core.signatures import form, signature


def fail(error: Exception) -> None:
    raise error


def fail_elsewhere(error: Exception) -> None:
    raise error


def failed(error: Exception, of: Callable[[Exception], None] = fail) -> dict[str, object]:
    with pytest.raises(type(error)) as raised:
        of(error)
    return failures.record(raised.value)


def test_values_in_a_message_make_no_difference() -> None:
    one = signature(
        failed(ValueError("order 12 of 'ana' (019abc12-3456-7def-8123-456789abcdef) is gone"))
    )
    other = signature(
        failed(ValueError("order 7 of 'bo' (019abc12-0000-7def-8123-456789abcdef) is gone"))
    )

    assert one == other


def test_other_words_another_type_and_another_place_do() -> None:
    known = signature(failed(ValueError("order 12 is gone")))

    assert signature(failed(ValueError("order 12 is late"))) != known
    assert signature(failed(KeyError("order 12 is gone"))) != known
    assert signature(failed(ValueError("order 12 is gone"), fail_elsewhere)) != known


def test_a_failure_without_a_traceback_has_one_too() -> None:
    assert signature({"type": "NoCode", "message": "no code for w 3"})


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("", ""),
        ("timeout after 30s\nsecond line", "timeout after 0s"),
        ("it's 5 o'clock", "it…clock"),
        ("at 0x7f3a and 0x11", "at 0 and 0"),
    ],
)
def test_the_form_of_a_message(message: str, expected: str) -> None:
    assert form(message) == expected
