"""The page of one task, in every state."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils.html import escape

from humantasks import inbox
from orchestrator import get_run


@pytest.fixture
def look(client):
    def do(task, user, *, name="task", query="", **headers):
        client.force_login(user)
        url = reverse(f"humantasks:{name}", args=[task.pk])
        return client.get(f"{url}?{query}" if query else url, headers=headers)

    return do


def text_of(response):
    return response.content.decode()


def test_a_free_task_shows_its_evidence_and_a_way_in(task, alice, look):
    text = text_of(look(task, alice))

    assert "Ada" in text
    assert "Claim and start" in text
    assert "<fieldset" in text
    assert "disabled" in text
    assert 'name="outcome"' not in text


def test_my_task_shows_the_form_and_its_outcomes(task, alice, look):
    inbox.claim(task, user=alice)

    text = text_of(look(task, alice))

    assert 'value="approve"' in text
    assert 'value="reject"' in text
    assert "Claimed by you" in text
    # The button that Enter presses is the first: it saves, and decides nothing.
    assert text.index("Save draft") < text.index('value="approve"')


def test_another_persons_task_shows_who_works_on_it_and_no_form(task, alice, bob, look):
    inbox.claim(task, user=alice)

    text = text_of(look(task, bob))

    assert "Alice works on this task" in text
    assert 'name="outcome"' not in text


def test_my_own_request_says_why_i_cannot_answer_it(ask, alice, look):
    text = text_of(look(ask(initiator=alice), alice))

    assert "You started the run that asks" in text
    assert "Claim and start" not in text


def test_a_decided_task_shows_the_decision_and_what_was_judged(task, alice, bob, look):
    inbox.claim(task, user=alice)
    inbox.complete(
        task, user=alice, outcome="approve", data={"risk": "high"}, comment="All checked."
    )

    text = text_of(look(task, bob))

    assert "All checked." in text
    assert "Risk level" in text
    assert "High" in text
    assert "Ada" in text


def test_a_withdrawn_task_says_why(task, alice, look):
    get_run(task.run_id).cancel(reason="a duplicate")

    text = text_of(look(task, alice))

    assert "the run was cancelled" in text
    assert "a duplicate" in text


def test_after_a_decision_the_next_task_is_one_click_away(ask, alice, look):
    first, second = ask(name="a"), ask(name="b")
    inbox.claim(first, user=alice)
    inbox.complete(first, user=alice, outcome="approve", data={"risk": "low"})

    assert reverse("humantasks:task", args=[second.pk]) in text_of(look(first, alice))


def test_evidence_that_is_all_in_sections_begins_with_the_first_of_them(ask, alice, look):
    data = {"customer": {"name": "Ada", "address": {"city": {"name": "Ulm"}}}, "scores": [1, 2]}
    nested, mixed = ask(name="a", data={"customer": data["customer"]}), ask(name="b", data=data)

    for task in (nested, mixed):
        text = text_of(look(task, alice))
        assert "Ulm" in text
        assert not re.search(r'<div class="body stack">\s*</div>', text)


def test_what_i_typed_before_the_task_went_away_is_still_mine(task, alice, bob, look):
    inbox.keep_answers(
        task, user=bob, data={"data.note": ["half a thought"]}, submission_id=task.pk
    )
    inbox.claim(task, user=alice)

    assert "half a thought" in text_of(look(task, bob))
    assert "half a thought" not in text_of(look(task, alice))


@pytest.fixture
def operator(oscar):
    oscar.user_permissions.add(Permission.objects.get(codename="view_humantask"))
    return oscar


def test_an_operator_sees_the_task_without_its_data(task, operator, look):
    text = text_of(look(task, operator))

    assert "You may see this task, but not its data" in text
    assert not re.search(r"\bAda\b", text)


def test_an_operator_who_may_see_data_sees_it(task, operator, look):
    operator.user_permissions.add(Permission.objects.get(codename="view_taskpayload"))

    assert "Ada" in text_of(look(task, operator))


def test_an_operator_sees_no_answers_either(task, alice, operator, look):
    inbox.claim(task, user=alice)
    inbox.complete(task, user=alice, outcome="approve", data={"risk": "low", "note": "secret"})

    assert "secret" not in text_of(look(task, operator))


def test_the_run_is_linked_for_those_who_may_see_runs(task, alice, look):
    assert str(task.run_id) not in text_of(look(task, alice))

    alice.user_permissions.add(Permission.objects.get(codename="view_run"))

    assert str(task.run_id) in text_of(look(task, alice))


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", '"><img src=x onerror=y>', "{{ 7|add:7 }}", "javascript:x"],
)
def test_whatever_a_workflow_sends_is_text(ask, alice, look, text):
    task = ask(title=text, data={text: text, "nested": {"rows": [{text: text}]}})

    page = text_of(look(task, alice))

    assert page.count(escape(text)) > 2
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_a_page_that_no_template_was_made_for_gets_the_general_one(ask, alice, look):
    assert "Claim and start" in text_of(look(ask(ui="content-editor"), alice))


def test_htmx_gets_the_part_alone(task, alice, look):
    text = text_of(look(task, alice, **{"HX-Request": "true"}))

    assert text.lstrip().startswith('<div id="task"')


# session 1, user 1, permissions 2, the task 1, my draft 1, its history 1, may I see its
# data 1, may I claim it 1, its files 1, who else looks 1, the numbers beside the names 1.
def test_a_page_asks_the_database_little(task, alice, look, client, django_assert_num_queries):
    look(task, alice)

    with django_assert_num_queries(11):
        client.get(reverse("humantasks:task", args=[task.pk]))
