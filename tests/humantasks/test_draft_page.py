"""Saving a draft in a browser: while typing, or with a button."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.urls import reverse

from humantasks import inbox
from humantasks.models import TaskDraft

HTMX = {"HX-Request": "true"}


@pytest.fixture
def mine(task, alice):
    return inbox.claim(task, user=alice)


@pytest.fixture
def save(client, alice, mine):
    def do(note="half", *, headers=HTMX, page=None, **fields):
        client.force_login(alice)
        form = {"data.note": note, "submission_id": str(page or uuid4()), "draft_rev": "0"}
        url = reverse("humantasks:draft", args=[mine.pk])
        return client.post(url, form | fields, headers=headers)

    return do


def text_of(response):
    return response.content.decode()


def test_a_save_while_typing_changes_two_places_and_no_field(save):
    response = save()

    text = text_of(response)
    assert response.status_code == 200
    assert 'id="draft-saved"' in text
    assert 'id="draft-rev" value="1"' in text
    assert "data.note" not in text
    assert TaskDraft.objects.get().data == {"data.note": ["half"]}


def test_the_button_works_without_a_script(save, mine):
    response = save(headers={})

    assert response.status_code == 302
    assert TaskDraft.objects.count() == 1


def test_the_page_shows_the_draft_again(save, client, mine):
    save("half a thought")

    page = client.get(reverse("humantasks:task", args=[mine.pk]))

    assert "half a thought" in text_of(page)
    assert "Saved" in text_of(page)


def test_a_save_after_sending_says_nothing_and_keeps_nothing(save, mine, alice):
    inbox.complete(mine, user=alice, outcome="approve", data={"risk": "low"})

    assert save().status_code == 204
    assert not TaskDraft.objects.exists()


def test_another_window_is_asked_which_text_to_keep(save):
    save("first")

    response = save("second")

    text = text_of(response)
    assert response.status_code == 409
    assert "another window" in text
    assert 'name="overwrite" value="1"' in text
    assert TaskDraft.objects.get().data == {"data.note": ["first"]}


def test_the_window_that_is_chosen_wins(save):
    save("first")

    response = save("second", overwrite="1")

    assert response.status_code == 200
    assert TaskDraft.objects.get().data == {"data.note": ["second"]}


def test_without_a_script_the_other_window_shows_both(save):
    save("first")

    response = save("second", headers={})

    assert response.status_code == 409
    assert "another window" in text_of(response)
    assert "second" in text_of(response)


def test_who_lost_the_task_is_told_while_typing(save, mine, alice, bob):
    inbox.release(mine, user=alice)
    inbox.claim(mine, user=bob)

    response = save()

    assert response.status_code == 409
    assert "Bob has held it since" in text_of(response)


def test_only_fields_of_the_form_are_kept(save):
    save(other="x", status="completed", **{"data.risk": "low"})

    assert TaskDraft.objects.get().data == {"data.note": ["half"], "data.risk": ["low"]}


def test_characters_that_cannot_be_stored_are_left_out(save):
    assert save("a\x00b").status_code == 200
    assert TaskDraft.objects.get().data["data.note"] == ["ab"]
