"""The project that docs/guide/start.md makes, with the package as the wheel has it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.docs.pages import ROOT, blocks
from tests.host.wheel import lay_out_wheel

GUIDE = ROOT / "docs" / "guide" / "start.md"
# The test's own: an error page instead of a traceback, and no second of work per password.
FOR_THE_TEST = """
DEBUG = False
ALLOWED_HOSTS = ["testserver"]
DATABASES["default"]["NAME"] = ":memory:"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
"""


def follow_guide(project: Path) -> None:
    """Do what the page says, up to the worker."""
    (project / "shop").mkdir(parents=True)
    call_command("startproject", "mysite", project)
    call_command("startapp", "shop", project / "shop")
    # What the reader's new project had is replaced, but for the settings and the workflows.
    (project / "mysite" / "urls.py").unlink()
    for block in blocks(GUIDE.read_text()):
        name = block.code.partition("\n")[0].removeprefix("# ")
        if block.language != "python" or not name.endswith(".py"):
            continue
        with (project / name).open("a") as file:
            # "What you have" stays in the lists.
            file.write(
                "\n" + re.sub(r"^(INSTALLED_APPS|MIDDLEWARE) = ", r"\1 += ", block.code, flags=re.M)
            )
    with (project / "mysite" / "settings.py").open("a") as file:
        file.write(FOR_THE_TEST)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What `visit` found."""
    place = tmp_path_factory.mktemp("start")
    lay_out_wheel(place / "wheel")
    follow_guide(place / "project")
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "docs" / "visit.py"],
        cwd=place / "project",
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{place / 'wheel'}:{place / 'project'}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def statuses(answers: dict[str, tuple[int, str]], room: str) -> set[int]:
    return {status for page, (status, _) in answers.items() if page.startswith(room)}


def test_a_stranger_is_sent_to_a_login_page_that_is_there(found: Any) -> None:
    answers = found[""]

    assert answers["login"] == [200, ""]
    for page, (status, location) in answers.items():
        if ":" in page and status != 405:
            assert (status, location.partition("?")[0]) == (302, "/accounts/login/"), page


def test_a_reviewer_logs_in_and_sees_the_inbox_alone(found: Any) -> None:
    answers = found["rosa"]

    assert answers["logging in"] == [302, "/inbox/"]
    # Only leads and operators change the priority.
    assert answers.pop("humantasks:act")[0] == 302
    assert answers["humantasks:task"] == [200, ""]
    assert answers.pop("humantasks:file") == [404, ""]
    # To decide past the rules is a permission of its own.
    assert answers.pop("humantasks:override") == [403, ""]
    assert statuses(answers, "humantasks:") == {200, 405}
    assert statuses(answers, "dashboard:") == {403, 405}


def test_a_page_whose_session_has_ended_can_ask_for_the_password(found: Any) -> None:
    assert found["part for a stranger"] == [401, "session-expired"]


def test_the_navigation_says_how_many_tasks_wait(found: Any) -> None:
    assert '<span class="count" id="count-humantasks-queue">1</span>' in found["queue of rosa"]


def test_a_superuser_sees_every_page(found: Any) -> None:
    answers = found["sue"]

    # The run has no result yet, the task no file, and nothing was done to many runs.
    for page in ("dashboard:output", "dashboard:bulk", "humantasks:file"):
        assert answers.pop(page) == [404, ""], page
    assert answers["dashboard:run"] == [200, ""]
    assert statuses(answers, "humantasks:") | statuses(answers, "dashboard:") == {200, 405}
    assert statuses(answers, "password") == {200}


def test_a_page_without_navigation_leads_to_a_page_that_is_there(found: Any) -> None:
    assert 'class="brand" href="/inbox/"' in found["login page"]
