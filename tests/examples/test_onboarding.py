"""Customers are let in or not, and subscriptions end when nobody renews them."""

from __future__ import annotations

import pytest
from django.core import mail

from examples.onboarding.models import Account
from examples.onboarding.workflows import (
    Customer,
    Subscription,
    enrich_customer,
    onboard_customer,
    subscription_lifecycle,
)
from humantasks import inbox
from humantasks.models import HumanTask
from orchestrator import InvalidInput
from orchestrator.models import Run

INES = Customer(name="Ines", email="ines@example.org", company="Hafenrost GmbH")


@pytest.fixture
def decided(runs, ruth):
    """A customer's run, with the decision of the compliance team."""

    def decide(outcome, **answer):
        run = runs.start(onboard_customer, INES)
        task = HumanTask.objects.get(run_id=run.id)
        inbox.claim(task, user=ruth)
        inbox.complete(task, user=ruth, outcome=outcome, **answer)
        runs.drain()
        return run.refresh()

    return decide


def test_an_approved_customer_has_an_active_account(decided):
    run = decided("approve", data={"risk": "low", "sanctions_checked": True, "note": ""})

    account = Account.objects.get()
    assert account.status == Account.Status.ACTIVE
    assert run.result().approved
    assert run.result().reviewed_by == "ruth"
    assert [message.to for message in mail.outbox] == [[INES.email]]


def test_a_rejected_customer_has_not(decided):
    run = decided("reject", comment="The passport is forged.")

    assert Account.objects.get().status == Account.Status.REFUSED
    assert not run.result().approved


def test_while_it_is_looked_at_the_run_says_whom_it_waits_for(runs):
    run = runs.start(onboard_customer, INES)

    assert run.status == "waiting"
    assert [(wait.kind, wait.name) for wait in run.waiting_on] == [
        ("human_task", "kyc-verification")
    ]
    assert [step.key for step in run.steps][:2] == ["create-account", "send-welcome-email"]


def test_wrong_input_starts_nothing(runs):
    with pytest.raises(InvalidInput, match="email"):
        onboard_customer.start({"name": "Ines", "email": "nowhere"})

    assert not Run.objects.exists()


@pytest.mark.parametrize("failpoint", ["after_body", "in_tx_after_fence", "after_record"])
def test_a_crash_makes_no_second_account(runs, failpoint):
    runs.crash_at(failpoint, step="create-account" if failpoint == "after_body" else None)
    runs.start(onboard_customer, INES)
    runs.drain()

    assert Account.objects.count() == 1


def test_a_customer_is_looked_up_in_three_places_at_once(runs):
    run = runs.start(enrich_customer, INES)

    assert {step.key for step in run.steps} == {"credit-check", "social-lookup", "company-info"}
    assert run.result().employees == len(INES.company) * 17


SUBSCRIPTION = Subscription(number="S-1", email="sam@example.org")


def test_a_subscription_that_nobody_renews_ends_after_37_days(runs):
    run = runs.start(subscription_lifecycle, SUBSCRIPTION)
    runs.advance("30d")
    assert len(mail.outbox) == 1
    assert run.refresh().status == "waiting"
    runs.advance("7d")

    assert not run.refresh().result().renewed
    assert run.steps[-1].key == "expire-subscription"


def test_a_renewal_in_time_keeps_it(runs):
    run = runs.start(subscription_lifecycle, SUBSCRIPTION)
    runs.advance("33d")
    runs.send_event(run, "subscription.renewed", True)

    assert run.refresh().result().renewed
    assert [event.name for event in run.events] == ["subscription.renewed"]
