"""Visit every page of the project in the working directory; print what each answered, as JSON.

`test_start.py` runs this as a program, in the project that docs/guide/start.md makes.
"""

from __future__ import annotations

import json
import os
from typing import Any

import django
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

PASSWORD = "correct horse battery staple"
ROOMS = ("dashboard", "humantasks")


def addresses(run_id: str, task_id: str) -> list[str]:
    """Of every page of the rooms, and of the pages to log in and to change a password."""
    from importlib import import_module  # noqa: PLC0415

    values = {"run_id": run_id, "task_id": task_id, "name": "return"}
    found = [reverse(name) for name in ("login", "password_change", "password_reset")]
    for room in ROOMS:
        for pattern in import_module(f"{room}.urls").urlpatterns:
            names = pattern.pattern.converters
            found.append(reverse(f"{room}:{pattern.name}", kwargs={n: values[n] for n in names}))
    return found


def cast() -> None:
    from django.contrib.auth.models import Group, User  # noqa: PLC0415

    User.objects.create_superuser("sue", password=PASSWORD)
    reviewer = User.objects.create_user("rosa", password=PASSWORD)
    reviewer.groups.add(Group.objects.create(name="returns-team"))


def a_run_and_its_task() -> tuple[str, str]:
    from shop.workflows import Return, handle_return_with_check  # noqa: PLC0415

    from orchestrator.testing import Runs  # noqa: PLC0415

    with Runs() as runs:
        run = runs.start(handle_return_with_check, Return(order_id="B-1", euros=80))
        runs.send_event(run, "parcel.arrived", {"weight": 1})
        [task] = runs.tasks(run)
        return str(run.id), str(task.id)


def visit(name: str, pages: list[str]) -> dict[str, Any]:
    """What `name` sees, who logs in by the login page; nobody does not."""
    browser = Client(raise_request_exception=False)
    seen: dict[str, Any] = {}
    if name:
        login = browser.post(reverse("login"), {"username": name, "password": PASSWORD})
        seen["login"] = [login.status_code, login.headers.get("Location", "")]
    for page in pages:
        answer = browser.get(page)
        seen[page] = [answer.status_code, answer.headers.get("Location", "")]
    return seen


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
    django.setup()
    call_command("check", fail_level="WARNING")
    call_command("migrate", verbosity=0)
    cast()
    pages = addresses(*a_run_and_its_task())
    lost = Client().get("/nowhere/").content.decode()
    visits = {name: visit(name, pages) for name in ("", "rosa", "sue")}
    print(json.dumps({"lost": lost, "visits": visits}))


if __name__ == "__main__":
    main()
