"""`manage.py seed_runs`."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from orchestrator.models import Run

pytestmark = pytest.mark.django_db


def seeded(*args: object) -> str:
    out = StringIO()
    call_command("seed_runs", *args, stdout=out)
    return out.getvalue()


def test_it_says_how_many_runs_it_made() -> None:
    assert json.loads(seeded(30, "--json"))["runs"] == 30
    assert Run.objects.count() == 30


def test_a_database_with_runs_is_left_alone_unless_one_says_so() -> None:
    seeded(1)

    with pytest.raises(CommandError, match="there are runs already"):
        seeded(1)
    seeded(1, "--add", "--seed", "2")

    assert Run.objects.count() == 2


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(CommandError, match="At least 1, not 0"):
        seeded(0)
