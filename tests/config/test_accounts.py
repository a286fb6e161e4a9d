"""Logging in, also again under a page; passwords, and a new one by mail where mail is sent."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client

CHANGE = "/accounts/password/"
RESET = "/accounts/reset/"
LOGIN = "/accounts/login/"
HTMX = {"HX-Request": "true"}
NEW = "harbour-window-17"

pytestmark = pytest.mark.django_db


@pytest.fixture
def at_home(client, alice):
    """The browser in which Alice is logged in."""
    client.force_login(alice)
    return client


@pytest.fixture
def with_mail(settings):
    settings.HAS_MAIL = True


def change(browser, old, new, again=None):
    typed = {"old_password": old, "new_password1": new, "new_password2": again or new}
    return browser.post(CHANGE, typed, follow=True)


def text_of(response):
    return response.content.decode()


# ---- changing it ---------------------------------------------------------------------


def test_a_changed_password_keeps_this_browser_and_ends_all_others(at_home, alice):
    elsewhere = Client()
    elsewhere.force_login(alice)

    response = change(at_home, "alice", NEW)

    assert "Your password has been changed" in text_of(response)
    alice.refresh_from_db()
    assert alice.check_password(NEW)
    assert at_home.get(CHANGE).status_code == 200
    assert elsewhere.get(CHANGE).status_code == 302


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (("wrong", NEW), "Your old password was entered incorrectly"),
        (("alice", NEW, "other"), "match"),
        (("alice", "short-1"), "at least 12 characters"),
        (("alice", "alice@example.org"), "too similar"),
    ],
)
def test_a_password_that_is_refused_says_why(at_home, alice, typed, why):
    response = change(at_home, *typed)

    assert response.status_code == 422
    assert why in text_of(response)
    assert "There is a problem" in text_of(response)
    alice.refresh_from_db()
    assert alice.check_password("alice")


def test_the_account_menu_leads_to_it(at_home):
    assert f'href="{CHANGE}"' in text_of(at_home.get("/inbox/"))


def test_who_has_no_password_here_is_not_offered_to_change_it(at_home, alice):
    alice.set_unusable_password()
    alice.save()
    at_home.force_login(alice)

    assert f'href="{CHANGE}"' not in text_of(at_home.get("/inbox/"))


# ---- a new one by mail ---------------------------------------------------------------


def link_in(mail):
    found = re.search(r"http://testserver(\S+)", str(mail.body))
    assert found
    return found[1]


@pytest.mark.usefixtures("with_mail")
def test_a_link_by_mail_sets_a_new_password_once(client, alice, mailoutbox):
    asked = client.post(RESET, {"email": alice.email}, follow=True)
    link = link_in(mailoutbox[0])
    page = client.get(link, follow=True)
    done = client.post(
        page.redirect_chain[-1][0], {"new_password1": NEW, "new_password2": NEW}, follow=True
    )

    assert "Look into your mail" in text_of(asked)
    assert mailoutbox[0].to == [alice.email]
    assert mailoutbox[0].subject == "A new password for alice at testserver"
    assert "Your password has been set" in text_of(done)
    assert Client().login(username="alice", password=NEW)
    assert "not good any more" in text_of(Client().get(link, follow=True))


@pytest.mark.usefixtures("with_mail")
def test_nobody_learns_who_has_an_account(client, alice, mailoutbox):
    known = client.post(RESET, {"email": alice.email}, follow=True)
    unknown = client.post(RESET, {"email": "nobody@example.org"}, follow=True)

    assert text_of(known) == text_of(unknown)
    assert len(mailoutbox) == 1


@pytest.mark.usefixtures("with_mail")
def test_a_bad_choice_behind_the_link_can_be_mended(client, alice, mailoutbox):
    client.post(RESET, {"email": alice.email})
    page = client.get(link_in(mailoutbox[0]), follow=True)
    form = page.redirect_chain[-1][0]

    refused = client.post(form, {"new_password1": "short", "new_password2": "short"})

    assert refused.status_code == 422
    assert "at least 12 characters" in text_of(refused)


def test_where_no_mail_is_sent_no_link_is_offered(client, settings):
    settings.HAS_MAIL = False

    assert client.get(RESET).status_code == 404
    login = text_of(client.get(LOGIN))
    assert RESET not in login
    assert "An administrator can set a new one" in login


@pytest.mark.usefixtures("with_mail")
def test_the_login_page_leads_to_the_link(client):
    assert f'href="{RESET}"' in text_of(client.get(LOGIN))


# ---- logging in ----------------------------------------------------------------------


def test_a_wrong_login_says_so(client, alice):
    response = client.post(LOGIN, {"username": "alice", "password": "wrong"})

    assert response.status_code == 422
    assert "There is a problem" in text_of(response)


def test_a_page_whose_session_has_ended_gets_a_form_for_the_same_person(client):
    text = text_of(client.get(f"{LOGIN}?username=alice", headers=HTMX))

    assert "<html" not in text
    assert 'value="alice"' in text
    assert text.index('name="password"') < text.index("autofocus") < text.index("<button")


def test_who_has_logged_in_again_is_told_to_the_page_with_a_token_for_its_forms(alice):
    client = Client(enforce_csrf_checks=True)
    form = client.get(LOGIN, headers=HTMX)
    typed = {"username": "alice", "password": "alice", "csrfmiddlewaretoken": token_in(form)}

    response = client.post(LOGIN, typed, headers=HTMX)

    news = json.loads(response.headers["HX-Trigger"])["session-renewed"]
    assert response.status_code == 204
    assert news["user"] == str(alice.pk)
    assert change_with(client, news["token"]).status_code == 422


def test_a_page_that_is_older_than_the_session_may_ask_for_the_token_it_lacks(alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)

    refused = change_with(client, "stale" * 8)
    response = client.get(LOGIN, headers=HTMX)

    assert refused.status_code == 403
    assert refused.headers["HX-Trigger"] == "session-expired"
    news = json.loads(response.headers["HX-Trigger"])["session-renewed"]
    assert change_with(client, news["token"]).status_code == 422


def test_without_htmx_a_stale_form_gets_a_page_that_says_so(alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)

    response = client.post(CHANGE)

    assert response.status_code == 403
    assert "The form has expired" in text_of(response)


def token_in(response):
    return re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', text_of(response))[1]


def change_with(client, token):
    return client.post(CHANGE, {"csrfmiddlewaretoken": token}, headers=HTMX)
