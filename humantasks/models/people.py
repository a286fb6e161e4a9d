"""Teams and the people in them, as far as Django's groups do not say it."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models


class TeamProfile(models.Model):
    """What a group is as a team: who leads it, what it belongs to, how much one may hold.

    A group without a profile is a team without leads and limits.
    """

    group = models.OneToOneField(
        Group, on_delete=models.CASCADE, primary_key=True, related_name="team_profile"
    )
    # Its leads lead this team, too. A ring of parents does no harm.
    parent = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="children"
    )
    # Leads see and hand out the tasks of the team. To answer them they must be members.
    leads = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="+")
    # How many tasks of this team one person may hold at once; null: no limit.
    claim_limit = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = "team"

    def __str__(self) -> str:
        return self.group.name


class ReviewerState(models.Model):
    """One row for each person who is served tasks: locked while their tasks are counted.

    Two windows of one person would else both see that there is room for one more.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    # How many tasks the person may hold at once; null: no limit of their own.
    claim_limit = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = "limit of a person"
        verbose_name_plural = "limits of persons"

    def __str__(self) -> str:
        return f"what {self.user} may hold"
