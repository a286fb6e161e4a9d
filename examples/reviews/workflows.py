"""Short workflows around a question to people each. What they lead to is a line in a log."""

from __future__ import annotations

import logging

from pydantic import BaseModel, Field

from examples.reviews.kinds import (
    Complaint,
    ComplaintRouting,
    KycRenewal,
    Letter,
    LetterBrief,
    Missing,
    Newsletter,
    PaymentScreening,
    Renewal,
    Statement,
)
from humantasks import human_task
from humantasks.asking import Priority
from orchestrator import Context, workflow

logger = logging.getLogger("examples.reviews")


class Case(BaseModel):
    """A check, and how pressing it is."""

    renewal: Renewal
    priority: Priority = "normal"
    due: str = "1d"


class Draft(BaseModel):
    """A letter to be edited."""

    brief: LetterBrief
    text: str = Field(min_length=20)


def note(text: str) -> None:
    """An ordinary step."""
    logger.info(text)


@workflow(name="kyc-renewal", idempotency_key="renewal-{renewal.customer}")
async def renew(ctx: Context[Case], case: Case) -> str:
    """Check a customer again. A document that is missing is asked for, and it begins anew."""
    renewal = case.renewal
    while True:
        checked = await human_task(
            ctx,
            "check-papers",
            type=KycRenewal,
            assign_to="compliance-team",
            data=renewal,
            priority=case.priority,
            due=case.due,
        )
        # Most outcomes give the type's form; this one has a form of its own.
        data: object = checked.data
        if not isinstance(data, Missing):
            break
        await ctx.step("ask-for-document", note, f"{renewal.customer}: {data.document}")
        await ctx.wait_for_event("document.sent", timeout=f"{data.days}d", default=None)
    outcome = checked.outcome or checked.status
    await ctx.step("file-decision", note, f"{renewal.customer}: {outcome}")
    return outcome


@workflow(name="payment-screening", idempotency_key="payments-{account}")
async def screen(ctx: Context[Statement], statement: Statement) -> list[str]:
    """Have each payment released or stopped. Returns those that are stopped."""
    screened = await human_task(
        ctx,
        "screen-payments",
        type=PaymentScreening,
        assign_to="compliance-team",
        data=statement,
        due="6h",
    )
    verdicts = screened.data.payments if screened.data else {}
    stopped = [name for name, verdict in verdicts.items() if verdict == "stop"]
    await ctx.step("stop-payments", note, f"{statement.account}: stopped {stopped or 'none'}")
    return stopped


@workflow(name="newsletter", idempotency_key="newsletter-{brief.topic}")
async def write_newsletter(ctx: Context[Draft], draft: Draft) -> bool:
    """Have a draft edited, and send it."""
    edited = await human_task(
        ctx,
        "edit-letter",
        type=Newsletter,
        assign_to="content-team",
        data=draft.brief,
        initial=Letter(text=draft.text),
        due="1d",
    )
    if edited.approved:
        await ctx.step("send-letter", note, f"{draft.brief.topic} goes to {draft.brief.readers}")
    return edited.approved


@workflow(name="complaint", idempotency_key="complaint-{customer}")
async def settle(ctx: Context[Complaint], complaint: Complaint) -> str | None:
    """Have somebody say what becomes of a complaint."""
    settled = await human_task(
        ctx,
        "settle",
        type=ComplaintRouting,
        assign_to="compliance-team",
        data=complaint,
        due="4h",
    )
    await ctx.step("answer-customer", note, f"{complaint.customer}: {settled.outcome}")
    return settled.outcome
