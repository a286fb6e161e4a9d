"""Tokens: made once, kept as a digest, of use until a day, and never more than their user."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from dashboard import tokens
from dashboard.models import ApiToken
from tests.api.conftest import ROOT, MakeProgram, Program, code_of
from tests.dashboard.conftest import LoggedIn, Member

RUNS = f"{ROOT}/runs"


def make(user: User, *scopes: str, expires: str = "1h") -> tuple[ApiToken, Program]:
    token, secret = tokens.create(user, name="ci", scopes=scopes or ["runs:read"], expires=expires)
    return token, Program(secret)


# ---- the command ---------------------------------------------------------------------


def test_the_command_prints_a_token_that_works(member: Member, capsys) -> None:
    member("Operator")

    call_command("api_token", "create", "operator", "--name", "ci", "--scope", "runs:read")

    secret = capsys.readouterr().out.strip()
    assert Program(secret).get("/runs").status_code == 200


def test_the_command_speaks_json(member: Member, capsys) -> None:
    member("Operator")
    options = ["--scope", "runs:read", "--scope", "runs:write", "--expires", "2d", "--json"]

    call_command("api_token", "create", "operator", "--name", "ci", *options)
    made = json.loads(capsys.readouterr().out)
    call_command("api_token", "list", "--json")
    [listed] = json.loads(capsys.readouterr().out)
    call_command("api_token", "revoke", made["prefix"], "--json")
    revoked = json.loads(capsys.readouterr().out)

    assert made["scopes"] == ["runs:read", "runs:write"]
    assert {"token": made["token"], **listed} == made
    assert (listed["state"], revoked["state"]) == ("active", "revoked")


def test_the_list_shows_what_is_of_use_and_with_all_the_rest(member: Member, capsys) -> None:
    old, _ = make(member("Operator"), expires="1ms")
    new, _ = make(old.user)

    call_command("api_token", "list", "operator")
    short = capsys.readouterr().out
    call_command("api_token", "list", "--all")
    whole = capsys.readouterr().out

    assert [new.prefix in short, old.prefix in short] == [True, False]
    assert "expired" in whole
    assert "last used never" in whole


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["nobody", "--name", "x", "--scope", "runs:read"], "no user is called 'nobody'"),
        (["operator", "--name", "x"], "a token needs a scope"),
        (["operator", "--name", "x", "--scope", "runs:all"], "no scope is called runs:all"),
        (["operator", "--name", "", "--scope", "runs:read"], "a name has 1 to 100"),
        (
            ["operator", "--name", "x", "--scope", "runs:read", "--expires", "soon"],
            "not a duration",
        ),
        (["gone", "--name", "x", "--scope", "runs:read"], "gone may not log in"),
    ],
)
def test_the_command_refuses_what_makes_no_sense(
    options: list[str], message: str, member: Member
) -> None:
    member("Operator")
    User.objects.create(username="gone", is_active=False)

    with pytest.raises(CommandError, match=message):
        call_command("api_token", "create", *options)

    assert not ApiToken.objects.exists()


def test_revoking_what_there_is_not_says_so(db: None) -> None:
    with pytest.raises(CommandError, match="no token has the prefix"):
        call_command("api_token", "revoke", "abc")


# ---- who gets in ---------------------------------------------------------------------


def test_the_database_does_not_hold_the_secret(member: Member) -> None:
    token, secret = tokens.create(member("Operator"), name="x", scopes=["runs:read"], expires="1h")

    kept = json.dumps({field.name: str(getattr(token, field.name)) for field in token._meta.fields})
    assert secret not in kept
    # What follows the prefix that is shown may hold an underscore itself.
    assert secret.split("_", 2)[2] not in kept


def test_without_a_token_one_is_told_to_log_in(stranger: Program) -> None:
    response = stranger.get("/runs")

    assert (response.status_code, code_of(response)) == (401, "not-authenticated")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="orchestrator"'


def test_a_wrong_token_is_refused(member: Member) -> None:
    token, _ = make(member("Operator"))
    wrong = ["", "x", f"orc_{token.prefix}_{'a' * 43}", "orc_" + "0" * 12 + "_" + "a" * 43]

    for secret in wrong:
        response = Client().get(RUNS, headers={"Authorization": f"Bearer {secret}"})

        assert response.status_code == 401, secret
        assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


def test_a_token_in_the_address_is_no_token(member: Member) -> None:
    _, secret = tokens.create(member("Operator"), name="x", scopes=["runs:read"], expires="1h")

    assert Client().get(RUNS, {"token": secret}).status_code in (401, 422)


def test_a_token_ends(member: Member) -> None:
    _, program = make(member("Operator"), expires="1h")

    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert program.get("/runs").status_code == 401


def test_a_revoked_token_is_of_no_use(member: Member) -> None:
    token, program = make(member("Operator"))

    tokens.revoke(token.prefix)

    assert program.get("/runs").status_code == 401


def test_a_token_of_who_may_not_log_in_is_of_no_use(member: Member) -> None:
    token, program = make(member("Operator"))

    User.objects.filter(id=token.user_id).update(is_active=False)

    assert program.get("/runs").status_code == 401


def test_a_token_without_the_scope_is_told_which(member: Member) -> None:
    _, program = make(member("Operator"), "runs:read")

    response = program.post("/events", {"name": "x"})

    assert (response.status_code, code_of(response)) == (403, "missing-scope")
    assert response.json()["scope"] == "events:write"
    assert 'scope="events:write"' in response.headers["WWW-Authenticate"]


def test_a_scope_gives_nothing_that_the_user_may_not_do(program: MakeProgram) -> None:
    outsider = program("nobody")

    response = outsider.get("/runs")

    assert (response.status_code, code_of(response)) == (403, "not-permitted")
    assert "orchestrator.view_run" in response.json()["detail"]


def test_a_permission_that_is_taken_away_counts_at_once(program: MakeProgram) -> None:
    api = program("Operator")
    assert api.get("/runs").status_code == 200

    User.objects.get(username="operator").groups.clear()

    assert api.get("/runs").status_code == 403


def test_the_last_use_is_kept_to_the_minute(member: Member, django_assert_num_queries) -> None:
    token, program = make(member("Operator"))
    now = timezone.now()

    with time_machine.travel(now, tick=False) as clock:
        program.get("/runs")
        clock.shift(30)
        program.get("/runs")
        token.refresh_from_db()
        assert token.last_used_at == now
        clock.shift(31)
        program.get("/runs")

    token.refresh_from_db()
    assert token.last_used_at == now + timedelta(seconds=61)


# ---- sessions ------------------------------------------------------------------------


def test_a_browser_that_is_logged_in_needs_no_token(logged_in: LoggedIn) -> None:
    assert logged_in("Viewer").get(RUNS).status_code == 200


def test_a_session_needs_the_token_against_forgery_to_change_something(
    logged_in: LoggedIn,
) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = logged_in("Operator").cookies

    forged = browser.post(f"{ROOT}/events", {"name": "x"}, content_type="application/json")
    foreign = browser.post(f"{ROOT}/events", b'{"name": "x"}', content_type="text/plain")

    assert [forged.status_code, foreign.status_code] == [403, 403]
    assert [code_of(forged), code_of(foreign)] == ["csrf", "csrf"]


def test_a_session_with_the_token_against_forgery_changes_something(logged_in: LoggedIn) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = logged_in("Operator").cookies
    browser.get("/accounts/password/")
    token = browser.cookies[settings.CSRF_COOKIE_NAME].value

    response = browser.post(
        f"{ROOT}/events",
        {"name": "x"},
        content_type="application/json",
        headers={"X-CSRFToken": token},
    )

    assert response.status_code == 202


def test_a_token_counts_although_there_is_a_cookie(
    logged_in: LoggedIn, program: MakeProgram
) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = logged_in("Viewer").cookies

    response = browser.post(
        f"{ROOT}/events",
        {"name": "x"},
        content_type="application/json",
        headers=program("Operator").headers,
    )

    assert response.status_code == 202


def test_a_wrong_token_is_not_saved_by_a_cookie(logged_in: LoggedIn) -> None:
    browser = logged_in("Operator")

    response = browser.get(RUNS, headers={"Authorization": "Bearer wrong"})

    assert response.status_code == 401


def test_what_a_proxy_is_told_is_no_token(logged_in: LoggedIn) -> None:
    browser = logged_in("Viewer")

    assert browser.get(RUNS, headers={"Authorization": "Basic YTpi"}).status_code == 200


def test_a_stranger_who_posts_is_told_to_log_in(stranger: Program) -> None:
    assert stranger.post("/events", {"name": "x"}).status_code == 401


def test_nobody_keeps_a_copy_of_an_answer(api: Program) -> None:
    assert "no-store" in api.get("/runs").headers["Cache-Control"]
