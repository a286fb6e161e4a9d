"""Visit every page of the project in the working directory; print what each answered, as JSON.

`test_start.py` runs this as a program, in the project that docs/guide/start.md makes.
"""

from __future__ import annotations

import json
import os
from importlib import import_module
from typing import Any
from uuid import UUID

import django
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

PASSWORD = "correct horse battery staple"


def addresses(run_id: str, task_id: str) -> dict[str, str]:
    """Of every page of the rooms, and of the pages about passwords, by their names."""
    values = {
        **{"run_id": run_id, "task_id": task_id, "name": "return", "act": "priority"},
        # There are none yet of a file and of an operation on many runs.
        **{"file_id": UUID(int=0), "number": 1},
    }
    found = {name: reverse(name) for name in ("login", "password_change", "password_reset")}
    for room in ("dashboard", "humantasks"):
        for page in import_module(f"{room}.urls").urlpatterns:
            kwargs = {name: values[name] for name in page.pattern.converters}
            found[f"{room}:{page.name}"] = reverse(f"{room}:{page.name}", kwargs=kwargs)
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


def visit(name: str, pages: dict[str, str]) -> dict[str, tuple[int, str]]:
    """What `name` gets, who logs in on the login page; without a name, a stranger."""
    browser = Client(raise_request_exception=False)
    answers = {}
    if name:
        said = {"username": name, "password": PASSWORD}
        answers["logging in"] = browser.post(reverse("login"), said)
    answers |= {page: browser.get(address) for page, address in pages.items()}
    return {
        page: (answer.status_code, answer.headers.get("Location", ""))
        for page, answer in answers.items()
    }


def part_for_a_stranger(address: str) -> tuple[int, str]:
    """What a page gets that asks for a part of itself after its session has ended."""
    answer = Client().get(address, headers={"HX-Request": "true"})
    return answer.status_code, answer.headers.get("HX-Trigger", "")


def page_of(name: str, address: str) -> str:
    browser = Client()
    browser.login(username=name, password=PASSWORD)
    return browser.get(address).content.decode()


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
    django.setup()
    call_command("check", fail_level="WARNING")
    call_command("migrate", verbosity=0)
    cast()
    pages = addresses(*a_run_and_its_task())
    found: dict[str, Any] = {name: visit(name, pages) for name in ("", "rosa", "sue")}
    found["part for a stranger"] = part_for_a_stranger(pages["humantasks:queue"])
    found["queue of rosa"] = page_of("rosa", pages["humantasks:queue"])
    found["login page"] = Client().get(reverse("login")).content.decode()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
