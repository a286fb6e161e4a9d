"""Whom a program means by a name. Who has nothing to do with the task is not told apart from
nobody: the API is no list of users.
"""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User
from django.db.models import Q
from django.utils.translation import gettext as _

from humantasks.models import HumanTask
from orchestrator.rest import invalid


def to_answer(task: HumanTask, name: str) -> User:
    """Somebody who may answer the task. Raises a problem for anybody else."""
    found = HumanTask.objects.people_for(task).filter(_called(name)).first()
    if found is None:
        words = _("nobody called %(name)r may answer this task: separation of duties, or no member")
        raise invalid(words % {"name": name}, "body", "to")
    return found


def to_ask(task: HumanTask, name: str) -> User:
    """Somebody who may be asked about the task. Raises a problem for anybody else."""
    found = HumanTask.objects.people_to_ask(task).filter(_called(name)).first()
    if found is None:
        words = _("nobody called %(name)r may be asked: of its teams, or who started the run")
        raise invalid(words % {"name": name}, "body", "of")
    return found


def team(name: str) -> Group:
    """A team that has members. Raises a problem when there is none of that name."""
    found = Group.objects.filter(name=name, user__is_active=True).first()
    if found is None:
        raise invalid(_("no team is called %(name)r") % {"name": name}, "body", "to")
    return found


def _called(name: str) -> Q:
    return Q(**{get_user_model().USERNAME_FIELD: name})
