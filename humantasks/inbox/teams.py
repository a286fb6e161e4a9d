"""Setting up teams from code; people do it in the admin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from humantasks.models import TeamProfile

if TYPE_CHECKING:
    from django.contrib.auth.models import Group, User


def make_lead(group: Group, user: User) -> TeamProfile:
    """Let a person lead a team: see its tasks and hand them out. They may be so already."""
    profile, _is_new = TeamProfile.objects.get_or_create(group=group)
    profile.leads.add(user)
    return profile
