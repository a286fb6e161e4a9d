"""Onboarding with a KYC review, enrichment in parallel, and a subscription's life."""

from __future__ import annotations

import asyncio
from enum import Enum

from django.core.mail import send_mail
from pydantic import BaseModel, Field

from examples.onboarding.models import Account
from examples.services import call
from humantasks import human_task
from orchestrator import Context, Retry, workflow


class Customer(BaseModel):
    name: str = Field(min_length=1, max_length=200)
    email: str = Field(pattern=r"[^@\s]+@[^@\s]+", max_length=254)
    country: str = Field(default="DE", min_length=2, max_length=2)
    company: str = ""


class Profile(BaseModel):
    """What other services know of a customer."""

    credit_score: int
    followers: int
    employees: int | None


class Risk(Enum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class KycDecision(BaseModel):
    """What a reviewer fills in."""

    risk: Risk = Field(title="Risk level")
    sanctions_checked: bool = Field(False, title="Sanctions list checked")
    note: str = Field("", title="Note for the file", max_length=2000)


class Onboarded(BaseModel):
    account_id: int
    approved: bool
    reviewed_by: str | None


# --- Steps: ordinary functions -----------------------------------------------------------


def create_account(customer: Customer) -> int:
    """An atomic step: the account and the record of the step commit together, or not at all."""
    return Account.objects.create(email=customer.email, name=customer.name).pk


def set_status(account_id: int, status: Account.Status) -> None:
    Account.objects.filter(pk=account_id).update(status=status)


def send_welcome_email(customer: Customer) -> None:
    call(0.4, fails=0.2, error="smtp: connection reset")
    text = f"Hello {customer.name}, we are checking your details."
    send_mail("Welcome", text, None, [customer.email])


def check_credit(customer: Customer) -> int:
    call(1.2)
    return 300 + sum(map(ord, customer.email)) % 550


async def look_up_social(customer: Customer) -> int:
    await asyncio.sleep(0.3)
    return sum(map(ord, customer.name)) % 5_000


def get_company_info(company: str) -> int | None:
    call(0.8)
    return len(company) * 17 or None


# --- Workflows ---------------------------------------------------------------------------


async def enrich(ctx: Context[Customer], customer: Customer) -> Profile:
    """Three look-ups side by side."""
    credit, followers, employees = await asyncio.gather(
        ctx.step("credit-check", check_credit, customer),
        ctx.step("social-lookup", look_up_social, customer),
        ctx.step("company-info", get_company_info, customer.company),
    )
    return Profile(credit_score=credit, followers=followers, employees=employees)


@workflow(name="customer-onboarding", version="1.0", idempotency_key="customer-{email}")
async def onboard_customer(ctx: Context[Customer], customer: Customer) -> Onboarded:
    """Create an account, let the compliance team decide, and activate it or not."""
    account_id = await ctx.step("create-account", create_account, customer, atomic=True)
    await ctx.step(
        "send-welcome-email",
        send_welcome_email,
        customer,
        retry=Retry(max_attempts=5),
        timeout="30s",
    )
    profile = await enrich(ctx, customer)

    kyc = await human_task(
        ctx,
        "kyc-verification",
        type="kyc-review",
        title=f"KYC review: {customer.company or customer.name}",
        assign_to="compliance-team",
        data={"customer": customer, "profile": profile},
        form=KycDecision,
        due="1d",
        timeout="14d",
    )

    status = Account.Status.ACTIVE if kyc.approved else Account.Status.REFUSED
    name = "activate-account" if kyc.approved else "refuse-account"
    await ctx.step(name, set_status, account_id, status, atomic=True)
    return Onboarded(account_id=account_id, approved=kyc.approved, reviewed_by=kyc.completed_by)


@workflow(name="enrich-customer")
async def enrich_customer(ctx: Context[Customer], customer: Customer) -> Profile:
    """Ask three services at once."""
    return await enrich(ctx, customer)


class Subscription(BaseModel):
    number: str
    email: str


class Ended(BaseModel):
    number: str
    renewed: bool


def activate_subscription(number: str) -> None:
    call(0.2)


def send_renewal_reminder(email: str) -> None:
    send_mail("Your subscription", "It ends in a week.", None, [email])


def expire_subscription(number: str) -> None:
    call(0.2)


@workflow(name="subscription-lifecycle", idempotency_key="subscription-{number}")
async def subscription_lifecycle(ctx: Context[Subscription], subscription: Subscription) -> Ended:
    """Activate, sleep for a month, remind, and wait a week for the renewal."""
    await ctx.step("activate", activate_subscription, subscription.number)
    await ctx.sleep("30d", name="first-month")
    await ctx.step("send-renewal-reminder", send_renewal_reminder, subscription.email)
    renewed = await ctx.wait_for_event("subscription.renewed", timeout="7d", default=False)
    if not renewed:
        await ctx.step("expire-subscription", expire_subscription, subscription.number)
    return Ended(number=subscription.number, renewed=bool(renewed))
