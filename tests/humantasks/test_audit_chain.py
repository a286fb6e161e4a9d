"""The audit is a chain: what is changed in it with SQL is found, with the task and the entry."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from humantasks import chain, inbox
from humantasks.models import HumanTask, TaskAudit


@pytest.fixture
def decided(task, alice):
    inbox.claim(task, user=alice)
    inbox.comment(task, user=alice, text="looks fine")
    inbox.complete(task, user=alice, outcome="approve", data={"risk": "low"})
    return HumanTask.objects.get(pk=task.pk)


def sql(text, *args):
    with connection.cursor() as cursor:
        cursor.execute(text, args)


def found():
    return [(one.seq, one.what) for one in chain.breaks(HumanTask.objects.all())]


def test_what_was_written_holds(decided):
    assert found() == []
    assert [row.seq for row in TaskAudit.objects.order_by("seq")] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("column", "value"),
    [("actor_label", "Mallory"), ("reason", "x"), ("code", "y"), ("verb", "z"), ("via", "api")],
)
def test_a_changed_entry_is_found(decided, column, value):
    sql(f"UPDATE humantasks_taskaudit SET {column} = %s WHERE seq = 2", value)

    assert found() == [(2, "this entry was changed, or the one before it")]


@pytest.mark.parametrize("seq", [0, 1, 2])
def test_a_removed_entry_is_found(decided, seq):
    sql("DELETE FROM humantasks_taskaudit WHERE seq = %s", seq)

    assert found() == [(seq, "this entry is missing")]


def test_a_removed_end_is_found(decided):
    sql("DELETE FROM humantasks_taskaudit WHERE seq = 3")

    assert found() == [(3, "this entry is missing, and all after it")]


@pytest.mark.parametrize("column", ["outcome", "comment", "data"])
def test_a_changed_decision_is_found(decided, column):
    sql(f"UPDATE humantasks_taskdecision SET {column} = 'null'")

    assert found() == [(3, "the decision was changed or removed")]


def test_changed_evidence_is_found(decided):
    sql("UPDATE humantasks_taskpayload SET data = '{}'")

    assert found() == [(3, "the evidence, or what was asked, was changed")]


def test_the_command_says_where(decided, capsys):
    call_command("humantasks", "verify_audit")
    assert "as it was written" in capsys.readouterr().out
    sql("UPDATE humantasks_taskaudit SET reason = 'x' WHERE seq = 1")

    with pytest.raises(CommandError, match="1 tasks"):
        call_command("humantasks", "verify_audit", f"#{decided.ref}", "--json")

    assert json.loads(capsys.readouterr().out)[0] | {"what": ""} == {
        "task": decided.ref,
        "seq": 1,
        "what": "",
    }


def test_the_command_knows_no_such_task(decided):
    with pytest.raises(CommandError, match="no task has the number 0"):
        call_command("humantasks", "verify_audit", "0")


def test_an_entry_says_through_which_door_it_came(task, alice):
    with inbox.through("api"):
        inbox.claim(task, user=alice)

    assert TaskAudit.objects.get(verb="claimed").via == "api"
    assert TaskAudit.objects.get(verb="created").via == ""
