"""A table that is judged row by row."""

from __future__ import annotations

from typing import Literal

import pytest
from django.urls import reverse
from pydantic import BaseModel, Field

from humantasks import Outcome, inbox
from humantasks.inbox import InvalidAnswer
from humantasks.models import HumanTask, TaskDraft
from orchestrator import get_run

HTMX = {"HX-Request": "true"}


class Verdicts(BaseModel):
    verdicts: dict[str, Literal["accept", "reject"]] = Field(
        title="Payments",
        json_schema_extra={"widget": "rows", "rows": "payments", "key": "id"},
    )
    note: str = ""


def payments(count):
    return [{"id": f"P-{number}", "amount": number * 10} for number in range(1, count + 1)]


@pytest.fixture
def review(ask, alice):
    def make(count=3, **options):
        data = {"account": "DE 17", "payments": payments(count)}
        asked = {"form": Verdicts, "ui": "table-review", "data": data} | options
        return inbox.claim(ask(**asked), user=alice)

    return make


@pytest.fixture
def send(client, alice):
    def do(task, name="complete", **data):
        client.force_login(alice)
        sent = {key.replace("__", ":"): text for key, text in data.items()}
        return client.post(reverse(f"humantasks:{name}", args=[task.pk]), sent, headers=HTMX)

    return do


def text_of(response):
    return response.content.decode()


ALL = {"P-1": "accept", "P-2": "reject", "P-3": "accept"}


def test_the_workflow_gets_a_verdict_for_each_row(review, alice, runs):
    task = review()

    inbox.complete(task, user=alice, outcome="approve", data={"verdicts": ALL})

    runs.drain()
    assert get_run(task.run_id).result(timeout=0).data == Verdicts(verdicts=ALL)


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        ({"P-1": "accept", "P-3": "reject"}, "1 row is left: P-2"),
        ({}, "3 rows are left, the first is P-1"),
        (ALL | {"P-4": "accept"}, "rows that are in the table"),
        (ALL | {"P-2": "perhaps"}, "Choose one of the answers"),
        ("nothing", "Check this answer"),
    ],
)
def test_what_is_left_or_wrong_is_told(review, alice, verdicts, words):
    with pytest.raises(InvalidAnswer) as caught:
        inbox.complete(review(), user=alice, outcome="approve", data={"verdicts": verdicts})

    assert caught.value.errors[0].loc == ("data", "verdicts")
    assert words in str(caught.value)


def test_rejecting_all_of_it_asks_for_no_verdicts(review, alice):
    outcomes = [Outcome("approve", positive=True), Outcome("reject", form=None)]

    assert inbox.complete(review(outcomes=outcomes), user=alice, outcome="reject")


def test_rows_without_names_of_their_own_are_numbered(review, alice):
    data = {"payments": [{"id": "P-1"}, {"id": "P-1"}]}

    task = review(data=data)

    verdicts = {"1": "accept", "2": "reject"}
    assert inbox.complete(task, user=alice, outcome="approve", data={"verdicts": verdicts})


def test_the_page_has_the_table_once_with_buttons_in_each_row(client, review, alice):
    task = review()
    client.force_login(alice)

    text = text_of(client.get(reverse("humantasks:task", args=[task.pk])))

    assert text.count("P-2</td>") == 1
    assert text.count('type="radio"') == 6
    assert "DE 17" in text
    assert "<b data-decided>0</b> of 3 rows are decided" in text


def test_the_browser_sends_rows_by_their_number(review, send):
    task = review()

    response = send(
        task,
        outcome="approve",
        data_rev="1",
        **{
            "data.verdicts__0": "accept",
            "data.verdicts__1": "reject",
            "data.verdicts__2": "accept",
        },
    )

    assert response.status_code == 200
    assert HumanTask.objects.get().outcome == "approve"


def test_what_was_decided_stays_on_the_page_with_what_is_left(review, send):
    response = send(review(), outcome="approve", **{"data.verdicts__1": "reject"})

    text = text_of(response)
    assert response.status_code == 422
    assert "Payments: 2 rows are left, the first is P-1" in text
    assert 'name="data.verdicts:1" value="reject" checked' in text
    assert text.count('class="is-left"') == 2


def test_one_button_fills_in_what_is_left_and_keeps_it(review, send):
    task = review()

    response = send(
        task, "fill", fill="data.verdicts=accept", note="", **{"data.verdicts__1": "reject"}
    )

    text = text_of(response)
    assert text.count(" checked>") == 3
    assert 'name="data.verdicts:1" value="reject" checked' in text
    assert "<b data-decided>3</b>" in text
    assert 'id="draft-saved"' in text
    assert TaskDraft.objects.get().data["data.verdicts:0"] == ["accept"]


@pytest.mark.parametrize("fill", ["", "data.verdicts=perhaps", "nothing=accept", "comment=accept"])
def test_an_odd_button_fills_in_nothing(review, send, fill):
    assert send(review(), "fill", fill=fill).status_code == 200
    assert not any(TaskDraft.objects.values_list("data", flat=True).get().values())


def test_a_draft_of_rows_can_be_copied_when_the_task_is_lost(client, review, send, alice):
    task = review()
    send(task, "draft", **{"data.verdicts__1": "reject"})
    inbox.release(task, user=alice)

    text = text_of(client.get(reverse("humantasks:task", args=[task.pk])))

    assert "P-2: Reject" in text


def test_five_hundred_rows_are_no_slower_for_the_database(
    client, review, alice, django_assert_num_queries
):
    task = review(500)
    client.force_login(alice)
    url = reverse("humantasks:task", args=[task.pk])
    client.get(url)

    with django_assert_num_queries(11):
        assert text_of(client.get(url)).count('type="radio"') == 1000


def test_the_decided_task_shows_each_row_once_with_its_verdict(client, review, alice):
    task = review()
    inbox.complete(task, user=alice, outcome="approve", data={"verdicts": ALL})
    client.force_login(alice)

    text = text_of(client.get(reverse("humantasks:task", args=[task.pk])))

    assert text.count("P-2") == 1
    row = text[text.index("P-2") :]
    assert "<strong>Reject</strong>" in row[: row.index("</tr>")]
    assert "DE 17" in text


def test_a_table_that_was_not_judged_is_still_to_be_seen(client, review, alice):
    outcomes = [Outcome("approve", positive=True), Outcome("reject", form=None)]
    task = review(outcomes=outcomes)
    inbox.complete(task, user=alice, outcome="reject")
    client.force_login(alice)

    assert "P-2" in text_of(client.get(reverse("humantasks:task", args=[task.pk])))
