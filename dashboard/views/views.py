"""Saving a list of runs, and forgetting one."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from dashboard import saved
from dashboard.access import SEES_RUNS, SHARE, OperatorRequest, permitted, require
from dashboard.audit import Actor
from dashboard.filtering import RunFilter, query


class SaveForm(forms.Form):
    """A list to save, and who has it."""

    name = forms.CharField(max_length=60)
    list = forms.CharField(required=False, max_length=4_000)
    is_shared = forms.BooleanField(required=False)
    is_default = forms.BooleanField(required=False)


@require_POST
@permitted(*SEES_RUNS)
def save(request: OperatorRequest) -> HttpResponse:
    form = SaveForm(request.POST)
    is_valid = form.is_valid()
    clean = form.cleaned_data
    if clean.get("is_shared"):
        require(request.user, SHARE)
    filters = RunFilter(QueryDict(clean.get("list", "")))
    text = query(filters.wanted(), filters.columns())
    if not is_valid:
        messages.error(request, "The list was not saved: give it a name of at most 60 characters.")
    elif saved.save(
        Actor.of(request),
        clean["name"],
        text,
        is_shared=clean["is_shared"],
        is_default=clean["is_default"],
    ):
        messages.success(request, f"The list {clean['name']} is saved.")
    else:
        messages.error(request, f"You have {saved.MOST} lists: delete one first.")
    return redirect(f"{reverse('dashboard:runs')}?{text or 'view=all'}")


@require_POST
@permitted(*SEES_RUNS)
def delete(request: OperatorRequest, number: int) -> HttpResponse:
    if not saved.delete(request.user, number):
        raise Http404("You have no such list.")
    messages.success(request, "The list is deleted. The runs are still there.")
    return redirect(f"{reverse('dashboard:runs')}?view=all")
