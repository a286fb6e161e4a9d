"""Use the inbox of the project in the working directory; print what was seen, as JSON."""

from __future__ import annotations

import json
import os
import re
from typing import Any

import django
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

PASSWORD = "correct horse battery staple"


def a_task() -> Any:
    from shop.workflows import ask_somebody  # noqa: PLC0415

    from orchestrator.testing import Runs  # noqa: PLC0415

    with Runs() as runs:
        [task] = runs.tasks(runs.start(ask_somebody))
        return task


def visit(browser: Client, task: Any) -> dict[str, Any]:
    """Every kind of page, in the order in which a person meets them."""
    there = {"task_id": task.id}
    return {
        "login": browser.get(reverse("login")),
        "logging in": browser.post(reverse("login"), {"username": "rosa", "password": PASSWORD}),
        "my work": browser.get(reverse("humantasks:my_work")),
        "queue": browser.get(reverse("humantasks:queue")),
        "done": browser.get(reverse("humantasks:done")),
        "claim": browser.post(reverse("humantasks:claim", kwargs=there)),
        "task": browser.get(reverse("humantasks:task", kwargs=there)),
        "wrong": browser.post(reverse("humantasks:complete", kwargs=there), {"outcome": "approve"}),
        "part": browser.get(
            reverse("humantasks:task", kwargs=there), headers={"HX-Request": "true"}
        ),
        "password": browser.get(reverse("password_change")),
    }


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    django.setup()
    call_command("check", fail_level="WARNING")
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import Group, User  # noqa: PLC0415

    team = Group.objects.create(name="team")
    User.objects.create_user("rosa", password=PASSWORD).groups.add(team)
    answers = visit(Client(raise_request_exception=False), a_task())
    pages = {name: answer.content.decode() for name, answer in answers.items()}
    named = {file for page in pages.values() for file in re.findall(r'"/static/([^"#]+)', page)}
    found = {
        "statuses": {name: answer.status_code for name, answer in answers.items()},
        "pages": pages,
        "files": {file: finders.find(file) for file in named},
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
