"""Tasks in Django's admin: to look at, never to change. What people judge is not shown.

Teams and limits are set up here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from humantasks.models import HumanTask, ReviewerState, TaskAudit, TeamProfile, WorkCalendar

if TYPE_CHECKING:
    Inline = admin.TabularInline[TaskAudit, HumanTask]
    ModelAdmin = admin.ModelAdmin[HumanTask]
    TeamAdmin = admin.ModelAdmin[TeamProfile]
    LimitAdmin = admin.ModelAdmin[ReviewerState]
    CalendarAdmin = admin.ModelAdmin[WorkCalendar]
else:
    Inline = admin.TabularInline
    ModelAdmin = TeamAdmin = LimitAdmin = CalendarAdmin = admin.ModelAdmin


class ReadOnly:
    """Nothing is added, changed or deleted: `humantasks.inbox` is the only writer."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AuditInline(ReadOnly, Inline):
    model = TaskAudit
    fields = ("seq", "at", "actor_label", "verb", "from_status", "to_status", "code", "reason")
    readonly_fields = fields
    ordering = ("seq",)


@admin.register(HumanTask)
class HumanTaskAdmin(ReadOnly, ModelAdmin):
    list_display = ("ref", "title", "type", "status", "team", "assignee", "created_at")
    list_filter = ("status", "type")
    list_select_related = ("team", "assignee")
    search_fields = ("ref", "title")
    # Counting all tasks to show "12 of 500,000" would be the slowest part of the page.
    show_full_result_count = False
    exclude = ("schema",)
    inlines = (AuditInline,)


@admin.register(TeamProfile)
class TeamProfileAdmin(TeamAdmin):
    list_display = ("group", "parent", "claim_limit")
    list_select_related = ("group", "parent__group")
    autocomplete_fields = ("group", "leads")
    search_fields = ("group__name",)


@admin.register(WorkCalendar)
class WorkCalendarAdmin(CalendarAdmin):
    list_display = ("name", "zone")
    search_fields = ("name",)


@admin.register(ReviewerState)
class ReviewerStateAdmin(LimitAdmin):
    list_display = ("user", "claim_limit")
    autocomplete_fields = ("user",)
    search_fields = ("user__username",)
