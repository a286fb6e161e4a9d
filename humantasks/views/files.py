"""The files of a task: adding one, and handing one out."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from humantasks import files, inbox, presence, wording
from humantasks.inbox import InvalidAnswer, NotEligible, TaskConflict
from humantasks.models import HumanTask, Status
from humantasks.views import panel
from humantasks.views.common import ReviewerRequest, number, task_for
from humantasks.views.panel import Notice
from humantasks.views.tasks import refuse

# Should a browser open the file all the same, nothing in it may run or load anything.
GUARDED = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}


@login_required
@require_safe
def file(request: ReviewerRequest, task_id: UUID, file_id: UUID) -> FileResponse:
    """Hand out a file, to be saved. 404 for who may not see what is judged."""
    task = task_for(request, task_id)
    found = task.attachments.filter(pk=file_id).exclude(file="").first()
    if found is None or not (task.sees_data or found.user_id == request.user.pk):
        raise Http404("no such file")
    try:
        opened = found.file.open("rb")
    except FileNotFoundError as error:
        raise Http404("the file is not in its storage") from error
    response = FileResponse(
        opened, as_attachment=True, filename=found.name, content_type=found.mime
    )
    for name, value in GUARDED.items():
        response.headers[name] = value
    return response


@login_required
@require_POST
def attach(request: ReviewerRequest, task_id: UUID) -> HttpResponse:
    """Add a file. 422 for a wrong one, 409 when the task has ended."""
    found = task_for(request, task_id)
    sent = request.FILES.get("file")
    if not isinstance(sent, UploadedFile) or sent.file is None:
        return _shown(request, found, problem=_("Choose a file"))
    try:
        inbox.attach(
            found,
            user=request.user,
            file=sent.file,
            name=sent.name or "",
            replaces=panel.uuid_of(request.POST.get("replaces", "")),
            submission_id=panel.submission_id(request),
        )
    except InvalidAnswer as invalid:
        return _shown(request, found, problem=invalid.errors[0].message)
    except TaskConflict as conflict:
        notice = Notice(wording.explain(conflict))
        response = panel.show(request, task_for(request, task_id), notice=notice, status=409)
        # It is the whole task that comes, and not its files alone.
        response.headers["HX-Retarget"] = "#task"
        return response
    except NotEligible as refused:
        return refuse(request, found, refused)
    if request.htmx:
        return _shown(request, task_for(request, task_id), before=found)
    messages.success(request, _("The file was added."))
    return redirect(f"{reverse('humantasks:task', args=[task_id])}#attachments")


def _shown(
    request: ReviewerRequest,
    task: HumanTask,
    *,
    problem: str = "",
    before: HumanTask | None = None,
) -> HttpResponse:
    """The files anew. A page that knew what was judged before knows the new file, too."""
    status = 422 if problem else 200
    if not request.htmx:
        return panel.show(request, task, status=status, file_problem=problem)
    knew = before is not None and number(request, "data_rev") == before.data_rev
    # Nobody else may have added one in between.
    knew = knew and before is not None and task.data_rev == before.data_rev + 1
    context = {
        "task": task,
        "file_problem": problem,
        "keeps_up": knew,
        "mine": task.status == Status.CLAIMED and task.assignee == request.user,
        **files.of_task(task, request.user),
        **presence.of_task(task, request.user),
    }
    response = render(request, "humantasks/_attachments.html", context, status=status)
    return response if problem else panel.with_events(response, {"toast": _("The file was added.")})
