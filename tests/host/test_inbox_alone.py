"""The inbox in a project that has no dashboard, and files of its own by our names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.host.wheel import ROOT, lay_out_wheel

HOSTILE = "This is the host's own."
ALONE = Path(__file__).parent / "alone"
WORKFLOW = """
from pydantic import BaseModel
from humantasks import human_task
from orchestrator import Context, workflow

class Answer(BaseModel):
    euros: int

@workflow(name="ask")
async def ask_somebody(ctx: Context[None], wanted: None) -> None:
    await human_task(ctx, "ask", title="Look at this", assign_to="team", form=Answer)
"""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def make_project(place: Path) -> None:
    """With a file of its own by the last part of each of our names."""
    write(place / "shop/workflows.py", WORKFLOW)
    write(place / "shop/templatetags/__init__.py", "")
    for library in ("ui", "ops"):
        write(
            place / f"shop/templatetags/{library}.py",
            "import django.template as t\nregister = t.Library()",
        )
    for ours in (ROOT / "templates").rglob("*.html"):
        write(place / "templates" / ours.name, HOSTILE)
    for ours in (ROOT / "static").rglob("*.*"):
        write(place / "static" / ours.name, HOSTILE)
        write(place / "static/ui" / ours.name, HOSTILE)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What `alone/visit.py` found."""
    place = tmp_path_factory.mktemp("alone")
    lay_out_wheel(place / "wheel", without="dashboard")
    make_project(place / "project")
    done = subprocess.run(
        [sys.executable, ALONE / "visit.py"],
        cwd=place / "project",
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{place / 'wheel'}:{place / 'project'}:{ALONE}",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_every_page_of_the_inbox_works_without_the_dashboard(found: Any) -> None:
    assert found["statuses"] == {
        "login": 200,
        "logging in": 302,
        "my work": 200,
        "queue": 200,
        "done": 200,
        "claim": 302,
        "task": 200,
        "wrong": 422,
        "part": 200,
        "password": 200,
    }
    assert "Look at this" in found["pages"]["queue"]
    assert 'name="data.euros"' in found["pages"]["part"]


def test_no_file_of_the_host_takes_the_place_of_one_of_ours(found: Any) -> None:
    assert [name for name, page in found["pages"].items() if HOSTILE in page] == []


def test_every_file_that_a_page_names_is_ours(found: Any) -> None:
    assert {"orchestrator/ui.css", "orchestrator/ui.js"} <= found["files"].keys()
    for file, path in found["files"].items():
        assert path, file
        assert HOSTILE not in Path(path).read_text(), file
