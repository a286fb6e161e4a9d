"""What the page of a task shows of those who decide it together."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from humantasks import diffs, evidence, fields, plain, wording
from humantasks.definitions import Outcome
from humantasks.inbox.errors import Code, NotEligible
from humantasks.models import HumanTask, Status, TaskDecision, TaskDraft
from humantasks.rounds import Standing


class CheckForm(forms.Form):
    """What a checker says to a proposal."""

    comment = forms.CharField(
        label=gettext_lazy("Comment"),
        required=False,
        strip=True,
        help_text=gettext_lazy("Needed to send it back: say what has to change."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    use_required_attribute = False


def check_form(draft: TaskDraft | None) -> CheckForm:
    """The empty form, or with what the person has typed before."""
    typed = draft.data.get("comment", [""]) if draft else [""]
    return CheckForm(initial={"comment": typed[0]}, label_suffix="")


def of(task: HumanTask, standing: Standing | None, *, mine: bool) -> dict[str, Any]:
    """How it stands, and what of it is the reader's to do. `mine`: they fill in the form."""
    if standing is None:
        return {}
    found: dict[str, Any] = {
        "standing": standing,
        "is_ballot": not standing.is_check,
        "has_voted": standing.may_change,
        "votes": _votes(task, standing),
    }
    if task.status == Status.COMPLETED and standing.is_check:
        made = [one for one in standing.said if one.kind == TaskDecision.Kind.APPROVAL]
        return found | {"approval": made[-1] if made else None}
    if task.status != Status.IN_REVIEW:
        return found | {"returned": standing.returned if mine else None}
    found |= {"sits": standing.sits, **_seat(task, standing)}
    return found | (_proposal(task, standing.proposal) if standing.is_check else {})


def _seat(task: HumanTask, standing: Standing) -> dict[str, Any]:
    """Whether a seat is the reader's to take, and why not."""
    if standing.mine is not None:
        return {}
    if task.may_review:
        return {"may_claim_seat": standing.free > 0}
    code = Code.REQUESTER if task.excluded_why else Code.NOT_ELIGIBLE
    if task.excluded_why or not standing.is_check:
        return {"why_not": wording.refusal(NotEligible(code, task, why=task.excluded_why or ""))}
    return {}


def _proposal(task: HumanTask, proposal: TaskDecision | None) -> dict[str, Any]:
    if proposal is None:
        return {}
    outcome = task.outcomes.get(proposal.outcome)
    found: dict[str, Any] = {
        "proposed": plain.shown(outcome.label) if outcome else proposal.outcome,
        "is_positive": outcome is not None and outcome.positive,
        "reasons": reasons(outcome, proposal),
        "checked": [
            plain.shown(one.label) for one in task.checklist if one.name in proposal.checked
        ],
    }
    if proposal.data != "null":
        found["proposed_data"] = evidence.of_text(proposal.data)
        found["proposed_edits"] = was_edited(task, proposal)
    return found


def _votes(task: HumanTask, standing: Standing) -> list[tuple[TaskDecision, str, bool]]:
    """Each vote of the round that may be told, what it says, and whether that is a yes."""
    found = []
    for one in standing.said:
        outcome = task.outcomes.get(one.outcome)
        if one.kind == TaskDecision.Kind.VOTE and one.round == task.round and outcome:
            found.append((one, plain.shown(outcome.label), outcome.positive))
    return found


def reasons(outcome: Outcome | None, decision: TaskDecision) -> list[str]:
    """The reasons that were ticked, in the reader's language."""
    labels = outcome.reason_codes if outcome else {}
    return [plain.shown(labels.get(code, code)) for code in decision.reason_codes]


def was_edited(task: HumanTask, decision: TaskDecision) -> list[dict[str, Any]]:
    """What the decision has changed in the texts that it was given to edit."""
    before, after = task.initial, evidence.plain_of(json.loads(decision.data))
    return [
        {
            "name": plain.shown(one.label),
            "changes": diffs.changes(
                str(fields.dig(before, one.path) or ""), str(fields.dig(after, one.path) or "")
            ),
        }
        for one in fields.of_schema(task.form_schema)
        if one.kind == "editor"
    ]
