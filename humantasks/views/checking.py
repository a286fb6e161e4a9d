"""Checking what somebody has proposed: approve it, or send it back."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from humantasks import inbox
from humantasks.forms import DecisionForm
from humantasks.inbox import InvalidAnswer, NotEligible, TaskConflict
from humantasks.views import deciding, panel, serving
from humantasks.views.common import ReviewerRequest, number, task_for
from humantasks.views.reviewing import CheckForm
from humantasks.views.tasks import refuse


@login_required
@require_POST
def check(request: ReviewerRequest, task_id: UUID) -> HttpResponse:
    """Approve or return. 422 when there is no comment, 409 with the reason for a lost race."""
    found = task_for(request, task_id)
    form, verdict = CheckForm(request.POST, label_suffix=""), request.POST.get("verdict", "")
    verbs = {"approve": inbox.approve, "return": inbox.return_proposal}
    if not form.is_valid() or verdict not in verbs:
        form.add_error(None, _("Choose: approve it, or send it back"))
        return panel.show(request, found, check=form, status=422)
    try:
        verbs[verdict](
            found,
            user=request.user,
            comment=form.cleaned_data["comment"],
            submission_id=panel.submission_id(request),
            data_rev=number(request, "data_rev"),
        )
    except InvalidAnswer as invalid:
        form.add_error("comment", invalid.errors[0].message)
        return panel.show(request, found, check=form, status=422)
    except TaskConflict as conflict:
        typed = DecisionForm(found, request.POST)
        return deciding.conflict(request, found, typed, conflict)
    except NotEligible as refused:
        return refuse(request, found, refused)
    text = _("Approved.") if verdict == "approve" else _("Sent back.")
    if serving.mode(request):
        messages.success(request, text)
        return serving.onwards(request)
    return panel.done(request, found, text)
