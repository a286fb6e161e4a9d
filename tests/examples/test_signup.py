"""Sign-ups in two versions, a fee that is retried, a digest that starts later."""

from __future__ import annotations

from decimal import Decimal

from django.core import mail

from examples.signup.workflows import (
    Fee,
    NewUser,
    membership_fee,
    morning_digest,
    onboard_user,
    onboard_user_1,
)

MARA = NewUser(email="mara@example.org")


def subjects() -> list[str]:
    return [message.subject for message in mail.outbox]


def test_who_clicks_the_link_gets_tips_a_day_later_and_a_survey_a_week_after(runs):
    run = runs.start(onboard_user, MARA)
    runs.send_event(run, "email.verified")
    assert subjects() == ["Is this you?"]
    runs.advance("1d")
    assert subjects() == ["Is this you?", "Five tips"]
    runs.advance("7d")

    assert subjects()[-1] == "How do you like it?"
    assert run.refresh().result().success
    assert run.version == "2.0"


def test_who_does_not_click_is_not_signed_up(runs):
    run = runs.start(onboard_user, MARA)
    runs.advance("3d")

    assert not run.refresh().result().success


def test_a_run_of_the_old_version_ends_as_it_began(runs):
    run = runs.start(onboard_user_1, MARA, version="1.0")
    runs.send_event(run, "email.verified")
    runs.advance("1d")

    assert run.refresh().status == "completed"
    assert "How do you like it?" not in subjects()


def test_a_fee_waits_for_the_bank_with_the_whole_run(runs):
    runs.fail(step="collect", times=4, error=ConnectionError("503"))
    run = runs.start(membership_fee, Fee(member="M-1", amount=Decimal(48)))
    runs.advance("10s")
    assert run.refresh().status == "awaiting_retry"
    assert [wait.kind for wait in run.waiting_on] == ["retry"]
    runs.advance("5m")

    assert run.refresh().status == "completed"
    assert run.steps[0].attempts == 5


def test_a_digest_may_be_started_for_later(runs):
    run = runs.start(morning_digest, delay="5s")
    assert run.status == "scheduled"
    runs.advance("5s")

    outcome = run.wait(status="completed", timeout=1)
    assert outcome.success
    assert run.refresh().result() == 12
