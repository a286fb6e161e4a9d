"""The kinds of tasks: papers to check, payments to screen, letters to edit, ways to choose."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from humantasks import REQUIRED, Check, HumanTaskType, Outcome, human_task_type

# --- A customer is checked again -----------------------------------------------------------


class Papers(BaseModel):
    """What a passport says, or what somebody says that it does."""

    name: str
    born: str
    passport: str = Field(title="Number of the passport")
    address: str


class Renewal(BaseModel):
    """The evidence of a check: what was declared, and what the scanner has read."""

    customer: str
    since: int = Field(title="Customer since")
    turnover: int = Field(title="Turnover in a year")
    declared: Papers = Field(title="Declared")
    extracted: Papers = Field(title="Extracted")


class Rating(BaseModel):
    risk: Literal["low", "medium", "high"] = Field(title="Risk level")
    next_check_months: int = Field(12, title="Check again in (months)", ge=1, le=60)
    note: str = Field("", title="Note for the file", max_length=2000)


class Missing(BaseModel):
    """What the customer is asked for."""

    document: str = Field(title="Which document", max_length=80)
    days: int = Field(14, title="How many days they have", ge=1, le=60)


@human_task_type("kyc-renewal", version=1)
class KycRenewal(HumanTaskType):
    title = "KYC renewal: {customer}"
    input = Renewal
    form = Rating
    ui = "evidence-review"
    outcomes = (
        Outcome("approve", "Keep the customer", positive=True, style="primary", key="a"),
        Outcome("ask", "Ask for a document", form=Missing, key="i"),
        Outcome(
            "reject",
            "End the relation",
            style="danger",
            key="r",
            form=None,
            comment=REQUIRED,
            reason_codes={
                "forged": "A document is forged",
                "sanctioned": "The customer is on a sanctions list",
                "unexplained": "Nobody can explain the turnover",
            },
        ),
    )
    checklist = (
        Check("passport", "The passport is genuine and valid"),
        Check("sanctions", "The sanctions lists were searched today"),
    )
    claim_lease = "2h"
    transferable = True
    skippable = True


# --- Payments are screened -----------------------------------------------------------------


class Payment(BaseModel):
    id: str = Field(title="Payment")
    to: str
    country: str
    amount: int = Field(title="EUR")
    purpose: str


class Statement(BaseModel):
    account: str
    holder: str
    payments: list[Payment]


class Screening(BaseModel):
    payments: dict[str, Literal["release", "stop"]] = Field(
        title="Payments",
        json_schema_extra={"widget": "rows", "rows": "payments", "key": "id"},
    )


@human_task_type("payment-screening", version=1)
class PaymentScreening(HumanTaskType):
    title = "Screen the payments of {account}"
    input = Statement
    form = Screening
    ui = "table-review"
    outcomes = (
        Outcome("done", "Send the verdicts", positive=True, style="primary"),
        Outcome("freeze", "Freeze the account", style="danger", form=None, comment=REQUIRED),
    )


# --- A letter is edited --------------------------------------------------------------------


class Letter(BaseModel):
    text: str = Field(title="Letter", min_length=20, json_schema_extra={"widget": "markdown"})


class LetterBrief(BaseModel):
    topic: str
    readers: str
    tone: str = "friendly, short"


@human_task_type("newsletter", version=1)
class Newsletter(HumanTaskType):
    title = "Newsletter: {topic}"
    input = LetterBrief
    form = Letter
    ui = "content-editor"
    outcomes = (
        Outcome("send", "Send it", positive=True, style="primary", key="a"),
        Outcome("drop", "Drop it", form=None, comment=REQUIRED, key="r"),
    )


# --- A complaint goes one of several ways ----------------------------------------------------


class Complaint(BaseModel):
    customer: str
    says: str


@human_task_type("complaint", version=1)
class ComplaintRouting(HumanTaskType):
    title = "Complaint of {customer}"
    input = Complaint
    ui = "choice"
    outcomes = (
        Outcome("refund", "Refund the fee", positive=True, key="1"),
        Outcome("apologise", "Apologise, and change nothing", key="2"),
        Outcome("explain", "Explain why it is so", key="3", comment=REQUIRED),
    )
