"""Two versions of a sign-up side by side, a run that starts later, a run that is retried."""

from __future__ import annotations

from decimal import Decimal

from django.core.mail import send_mail
from pydantic import BaseModel, Field

from examples.services import call
from orchestrator import Context, EventTimeout, Retry, StepFailed, current_step, workflow


class NewUser(BaseModel):
    email: str = Field(pattern=r"[^@\s]+@[^@\s]+", max_length=254)


class SignedUp(BaseModel):
    success: bool
    email: str


def send_verification_email(email: str) -> None:
    call(0.3)
    send_mail("Is this you?", "Click the link.", None, [email])


def send_usage_tips(email: str) -> None:
    call(0.2)
    send_mail("Five tips", "The first: sleep well.", None, [email])


def send_survey(email: str) -> None:
    call(0.2)
    send_mail("How do you like it?", "Three questions.", None, [email])


async def verified(ctx: Context[NewUser], user: NewUser) -> bool:
    """Send the link, and wait three days for the click."""
    ctx.logger.info("Starting onboarding", email=user.email)
    await ctx.step("send-verification-email", send_verification_email, user.email)
    try:
        await ctx.wait_for_event("email.verified", timeout="3d")
    except EventTimeout:
        ctx.logger.warning("Nobody clicked the link", email=user.email)
        return False
    return True


@workflow(name="user-onboarding", version="1.0", idempotency_key="signup-{email}")
async def onboard_user_1(ctx: Context[NewUser], user: NewUser) -> SignedUp:
    """Verify, and send tips a day later. Runs of this version end as they began."""
    if not await verified(ctx, user):
        return SignedUp(success=False, email=user.email)
    await ctx.sleep(days=1)
    await ctx.step("send-usage-tips", send_usage_tips, user.email)
    return SignedUp(success=True, email=user.email)


@workflow(name="user-onboarding", version="2.0", idempotency_key="signup-{email}")
async def onboard_user(ctx: Context[NewUser], user: NewUser) -> SignedUp:
    """What new runs take: a survey a week after the tips."""
    if not await verified(ctx, user):
        return SignedUp(success=False, email=user.email)
    await ctx.sleep(days=1)
    await ctx.step("send-usage-tips", send_usage_tips, user.email)
    await ctx.sleep("1w", name="before-survey")
    await ctx.step("send-survey", send_survey, user.email)
    return SignedUp(success=True, email=user.email)


class Fee(BaseModel):
    member: str
    amount: Decimal = Field(gt=0)


def collect_fee(member: str, amount: Decimal) -> str:
    """The bank knows the key: a repeated attempt does not take the money twice."""
    key = current_step().idempotency_key
    call(0.6, fails=0.3, error="bank: 503 Service Unavailable")
    return f"fee-{key[-12:]}"


@workflow(
    name="membership-fee",
    idempotency_key="fee-{member}",
    retry=Retry(max_attempts=3, initial_delay="1m", max_delay="1h"),
)
async def membership_fee(ctx: Context[Fee], fee: Fee) -> str:
    """When the step has used up its attempts, the whole run waits and goes on from there."""
    try:
        return await ctx.step("collect", collect_fee, fee.member, fee.amount)
    except StepFailed:
        ctx.logger.exception("The bank is down", attempt=ctx.attempt)
        raise


def write_digest() -> int:
    call(0.4)
    return 12


@workflow(name="morning-digest")
async def morning_digest(ctx: Context) -> int:
    """Started with a delay: `morning_digest.start(delay="5s")`."""
    return await ctx.step("write", write_digest)
