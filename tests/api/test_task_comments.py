"""What programs say about human tasks: comments, questions and their answers."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from humantasks import inbox
from humantasks.models import HumanTask, TaskComment
from tests.api.conftest import Acting, Program, code_of
from tests.api.test_task_verbs import errors, may
from tests.api.test_tasks import path
from tests.humantasks.conftest import Ask


def test_a_question_is_answered_by_who_started_the_run(
    ann: Program,
    acting: Acting,
    ask: Ask,
    alice: User,
    carol: User,
) -> None:
    mine, hers = inbox.claim(ask(initiator=carol), user=alice), acting(carol)

    asked = ann.post(path(mine, "request-info"), {"question": "Which passport?"}).json()
    shown = hers.get(path(mine)).json()
    questions = hers.get(path(mine, "comments")).json()["items"]
    answered = hers.post(path(mine, "answer"), {"text": "The new one"})

    assert (asked["status"], asked["asked_of"]) == ("paused", "carol")
    assert (shown["title"], shown["payloads"], shown["data"]) == (mine.title, "hidden", None)
    assert [(one["kind"], one["text"], one["user"]) for one in questions] == [
        ("question", "Which passport?", "alice")
    ]
    assert (answered.json()["status"], answered.json()["assignee"]) == ("claimed", "alice")
    said = ann.get(path(mine, "comments")).json()["items"]
    assert [one["kind"] for one in said] == ["question", "answer"]


def test_only_who_has_to_do_with_a_task_can_be_asked(
    ann: Program,
    held: HumanTask,
    carol: User,
    bob: User,
) -> None:
    refused = ann.post(path(held, "request-info"), {"question": "Well?", "of": "carol"})
    asked = ann.post(path(held, "request-info"), {"question": "Well?", "of": "bob"})

    assert errors(refused) == [["body", "of"]]
    assert asked.json()["asked_of"] == "bob"


def test_a_question_is_taken_back(ann: Program, held: HumanTask, bob: User) -> None:
    ann.post(path(held, "request-info"), {"question": "Well?", "of": "bob"})

    assert ann.post(path(held, "withdraw-question")).json()["status"] == "claimed"


def test_comments_come_in_pages_and_twice_the_same_is_once(
    ann: Program,
    held: HumanTask,
) -> None:
    same = {"text": "one", "submission_id": str(uuid4())}
    made = [ann.post(path(held, "comments"), body) for body in (same, same, {"text": "two"})]
    pages, cursor = [], ""
    while cursor is not None:
        query = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        page = ann.get(path(held, "comments"), query).json()
        pages, cursor = pages + page["items"], page["next_cursor"]

    assert [one.status_code for one in made] == [201] * 3
    assert made[0].json()["id"] == made[1].json()["id"]
    assert [(one["user"], one["text"]) for one in pages] == [("alice", "one"), ("alice", "two")]


def test_who_may_not_see_the_data_reads_no_comments(
    acting: Acting,
    carol: User,
    ann: Program,
    held: HumanTask,
) -> None:
    ann.post(path(held, "comments"), {"text": "he lied"})
    watcher = acting(may(carol, "view_humantask"))

    assert watcher.get(path(held, "comments")).json()["items"] == []
    assert code_of(watcher.post(path(held, "comments"), {"text": "really?"})) == "not_allowed"


@pytest.mark.parametrize("text", ["", "  \n", "a\x00b", "x" * 2001])
def test_a_comment_that_cannot_be_kept_is_refused(
    ann: Program,
    held: HumanTask,
    text: str,
) -> None:
    assert errors(ann.post(path(held, "comments"), {"text": text})) == [["body", "text"]]
    assert not TaskComment.objects.exists()
