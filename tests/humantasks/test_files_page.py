"""The files on the page of a task: adding one with and without a script, and saving one."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from humantasks import inbox
from humantasks.models import TaskAttachment

HTMX = {"HX-Request": "true"}
PDF = b"%PDF-1.7 a passport"


@pytest.fixture
def send(client):
    def do(task, user, content=PDF, name="passport.pdf", *, headers=None, **data):
        client.force_login(user)
        file = {"file": SimpleUploadedFile(name, content)} if content is not None else {}
        url = reverse("humantasks:attach", args=[task.pk])
        return client.post(url, file | data, headers=headers or {})

    return do


@pytest.fixture
def mine(task, alice):
    return inbox.claim(task, user=alice)


@pytest.fixture
def passport(task, alice):
    return inbox.attach(task, user=alice, file=BytesIO(PDF), name="Adas Paß.pdf")


@pytest.fixture
def fetch(client):
    def do(attachment, user):
        client.force_login(user)
        return client.get(reverse("humantasks:file", args=[attachment.task_id, attachment.pk]))

    return do


def page(client, task, user):
    client.force_login(user)
    return client.get(reverse("humantasks:task", args=[task.pk])).content.decode()


# ---- adding --------------------------------------------------------------------------


def test_without_a_script_the_page_comes_again_with_the_file(task, alice, send, client):
    response = send(task, alice)

    assert response.headers["Location"].endswith("#attachments")
    assert "passport.pdf" in page(client, task, alice)


def test_with_htmx_the_part_comes_again_and_the_form_beside_it_keeps_up(task, alice, send):
    mine = inbox.claim(task, user=alice)

    text = send(mine, alice, headers=HTMX, data_rev=mine.data_rev).content.decode()

    assert "<html" not in text
    assert "passport.pdf" in text
    assert 'id="data-rev" value="2" hx-swap-oob="true"' in text
    assert 'id="pulse"' in text


def test_who_had_not_seen_an_earlier_file_is_not_brought_up_to_it(task, alice, bob, send):
    mine = inbox.claim(task, user=alice)
    inbox.attach(mine, user=bob, file=BytesIO(PDF), name="other.pdf")

    text = send(mine, alice, headers=HTMX, data_rev=mine.data_rev).content.decode()

    assert 'id="data-rev"' not in text
    assert 'id="pulse"' not in text


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(
    ("content", "words"), [(None, "Choose a file"), (b"<html>", "This is no PDF file")]
)
def test_what_is_wrong_is_told_beside_the_field(mine, send, headers, content, words):
    response = send(mine, mine.assignee, content, headers=headers)

    text = response.content.decode()
    assert response.status_code == 422
    assert words in text
    assert 'aria-describedby="attach-hint attach-error" aria-invalid="true"' in text


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_when_the_task_has_ended_meanwhile_all_of_it_comes_anew(mine, alice, send, headers):
    inbox.complete(mine, user=alice, outcome="approve", data={"risk": "low"})

    response = send(mine, alice, headers=headers)

    assert response.status_code == 409
    assert response.headers["HX-Retarget"] == "#task"


def test_an_ended_task_shows_its_files_and_takes_none(passport, alice, client):
    inbox.claim(passport.task, user=alice)
    inbox.complete(passport.task, user=alice, outcome="approve", data={"risk": "low"})

    text = page(client, passport.task, alice)

    assert "Adas Paß.pdf" in text
    assert "Add the file" not in text


def test_an_earlier_version_is_named_under_the_new_one(passport, alice, send, client):
    send(passport.task, alice, name="sharper.pdf", replaces=str(passport.pk))

    text = page(client, passport.task, alice)

    assert "1 earlier version" in text
    assert text.index("sharper.pdf") < text.index("Adas Paß.pdf")


# ---- saving one ----------------------------------------------------------------------


def test_a_file_is_handed_out_to_be_saved_and_nothing_else(passport, bob, fetch):
    response = fetch(passport, bob)

    assert b"".join(response.streaming_content) == PDF
    assert response.headers["Content-Disposition"].startswith("attachment; filename")
    assert response.headers["Content-Type"] == "application/pdf"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "no-store" in response.headers["Cache-Control"]


def test_who_may_not_see_the_data_gets_no_file(passport, carol, fetch):
    assert fetch(passport, carol).status_code == 404
    carol.user_permissions.add(Permission.objects.get(codename="view_humantask"))

    assert fetch(passport, carol).status_code == 404


def test_who_has_left_the_team_gets_it_no_more(passport, bob, fetch):
    assert fetch(passport, bob).status_code == 200
    bob.groups.clear()

    assert fetch(passport, bob).status_code == 404


def test_who_is_asked_gets_what_they_have_added_and_not_the_rest(ask, alice, carol, fetch, client):
    task = inbox.claim(ask(initiator=carol), user=alice)
    theirs = inbox.attach(task, user=alice, file=BytesIO(PDF), name="hidden.pdf")
    inbox.request_info(task, user=alice, question="Which passport?")
    own = inbox.attach(task, user=carol, file=BytesIO(PDF), name="mine.pdf")

    text = page(client, task, carol)

    assert "mine.pdf" in text
    assert "hidden.pdf" not in text
    assert fetch(own, carol).status_code == 200
    assert fetch(theirs, carol).status_code == 404


def test_a_file_of_another_task_is_not_to_be_had_through_this_one(passport, ask, alice, client):
    other = ask(name="other")
    client.force_login(alice)

    url = reverse("humantasks:file", args=[other.pk, passport.pk])

    assert client.get(url).status_code == 404


def test_a_file_that_is_gone_from_its_storage_is_no_error_page(passport, alice, fetch, store):
    store.delete(passport.file.name)

    assert fetch(passport, alice).status_code == 404


def test_pictures_are_shown_and_nothing_else_is(task, alice, client):
    inbox.attach(task, user=alice, file=BytesIO(b"\x89PNG\r\n\x1a\n"), name="face.png")
    inbox.attach(task, user=alice, file=BytesIO(PDF), name="passport.pdf")

    pictures = re.findall(r"<img src=\"([^\"]+)\"", page(client, task, alice))

    face = TaskAttachment.objects.get(name="face.png")
    assert pictures == [reverse("humantasks:file", args=[task.pk, face.pk])]


def test_far_too_much_is_refused_before_it_is_stored(mine, alice, send, settings):
    settings.HUMANTASKS_ATTACHMENT_SIZE = 1_000

    assert send(mine, alice, PDF + b"x" * 1_000).status_code == 422
    response = send(mine, alice, PDF + b"x" * 1_100_000)
    assert response.status_code == 413
    assert "1000\xa0bytes at most" in response.content.decode()
    assert not TaskAttachment.objects.exists()
