"""What the pages say of files, settings, commands and functions is so."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands
from pydantic import SecretStr

from config.environment import Environment
from humantasks import conf as inbox
from orchestrator import conf, models
from orchestrator.core.retry import Retry
from tests.docs.pages import PAGES, ROOT, anchors, blocks, cells, code, images, links, name_of

DEPLOY = (ROOT / "docs" / "deploy.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))

each_page = pytest.mark.parametrize("doc", PAGES, ids=name_of)

# --- Links ---------------------------------------------------------------------------


def broken(text: str, page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    return [target for target in links(text) if not _leads_somewhere(target, page)]


def _leads_somewhere(target: str, page: Path) -> bool:
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.is_relative_to(ROOT) or not file.exists():
        return False
    return not anchor or anchor in anchors(file.read_text())


@each_page
def test_every_link_leads_somewhere(doc):
    assert broken(doc.read_text(), doc) == []


@pytest.mark.parametrize(
    "offence",
    [
        "[gone](docs/gone.md)",
        "[no such heading](README.md#nowhere)",
        "[outside](../elsewhere.md)",
    ],
)
def test_a_planted_broken_link_is_found(offence):
    assert len(broken(offence, ROOT / "README.md")) == 1


@pytest.mark.parametrize(
    "link",
    [
        "[a page](LICENSE)",
        "[a folder](docs/)",
        "[a heading](README.md#a-workflow)",
        "[elsewhere](https://example.org/gone.md)",
        "`[code](gone.md)`",
    ],
)
def test_a_good_link_is_left_alone(link):
    assert broken(link, ROOT / "README.md") == []


PICTURES = [(page, picture) for page in PAGES for picture in images(page.read_text())]


@pytest.mark.parametrize(("doc", "picture"), PICTURES, ids=str)
def test_every_picture_is_there(doc, picture):
    assert (doc.parent / picture).is_file()


def test_pictures_are_found_however_they_are_written():
    text = '![a](a.png) <img alt="b" src="b.png"> <source srcset="c.png">'

    assert images(text) == ["a.png", "b.png", "c.png"]


# --- Settings ------------------------------------------------------------------------

DOCUMENTED = {row[0].strip("`"): row[1] for row in cells(DEPLOY) if len(row) > 2}
ENGINE = {
    f"{prefix}_{name}": default
    for prefix, settings in (("ORCHESTRATOR", conf._SETTINGS), ("HUMANTASKS", inbox._SETTINGS))
    for name, (default, _, _) in settings.items()
}
SETTING = re.compile(r"\b(?:ORCHESTRATOR|HUMANTASKS)_[A-Z_]+[A-Z]\b")
# What other rooms read straight from Django's settings.
OTHERS = {
    name
    for room in ("humantasks", "dashboard")
    for module in (ROOT / room).rglob("*.py")
    for name in SETTING.findall(module.read_text())
} - set(ENGINE)
VARIABLES = {name.upper(): field for name, field in Environment.model_fields.items()}


def shown(default: Any) -> str:
    """A default as the tables of docs/deploy.md show it."""
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    if isinstance(default, Retry):
        return f"`Retry(max_attempts={default.max_attempts})`"
    if isinstance(default, Path):
        return f"`{default.relative_to(ROOT)}/`"
    if default in ("", None) or default == []:
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


@pytest.mark.parametrize("name", ENGINE)
def test_every_setting_of_the_engine_is_documented_with_its_default(name):
    assert DOCUMENTED.get(name) == shown(ENGINE[name])


@pytest.mark.parametrize("name", VARIABLES)
def test_every_variable_of_the_environment_is_documented_with_its_default(name):
    assert DOCUMENTED.get(name) == shown(VARIABLES[name].default)


def test_no_setting_is_documented_that_does_not_exist():
    names = {name for name in DOCUMENTED if re.fullmatch(r"[A-Z][A-Z_]+", name)}

    assert names - set(ENGINE) - OTHERS - set(VARIABLES) == set()


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_every_setting_of_another_room_is_documented(name):
    assert name in DOCUMENTED


@each_page
def test_a_page_names_no_setting_that_does_not_exist(doc):
    assert set(SETTING.findall(doc.read_text())) - set(ENGINE) - OTHERS == set()


# --- Commands, files, functions ------------------------------------------------------


@each_page
def test_a_page_names_only_commands_that_exist(doc):
    shown_code = code(doc.read_text())
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.M))

    assert set(re.findall(r"manage\.py ([a-z_]+)", shown_code)) - set(get_commands()) == set()
    assert set(re.findall(r"\bmake ([a-z0-9-]+)", shown_code)) - targets == set()


@each_page
def test_a_page_names_only_files_that_exist(doc):
    rooms = "orchestrator|humantasks|dashboard|config|examples|tests|docs|templates|static"
    named = set(re.findall(rf"(?<![\w/.-])(?:{rooms})/[\w./-]*\w", code(doc.read_text())))
    # A template is named as Django does.
    roots = [ROOT, ROOT / "templates"]

    assert [name for name in named if not any((root / name).exists() for root in roots)] == []


def functions(path: Path) -> set[str]:
    """Every function and method of a module, a method also with its class."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, kinds):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            names = [item.name for item in node.body if isinstance(item, kinds)]
            found |= {f"{node.name}.{name}" for name in names}
    return found


JOURNEYS = [
    (path, name)
    for block in blocks(ARCHITECTURE)
    for path, name in re.findall(r"^ *([\w/]+\.py) +([\w.]+)\(\)", block.code, re.M)
]


@pytest.mark.parametrize(("path", "name"), sorted(set(JOURNEYS)))
def test_a_journey_goes_through_functions_that_exist(path, name):
    assert name in functions(ROOT / path)


def test_there_are_journeys():
    assert len(JOURNEYS) > 30


# --- Words and decisions -------------------------------------------------------------


def test_every_status_of_a_run_is_in_the_glossary():
    glossary = (ROOT / "docs" / "glossary.md").read_text()

    assert [status for status in models.Status.values if f"`{status}`" not in glossary] == []


def test_decisions_are_numbered_without_gaps():
    numbers = [int(page.name[:4]) for page in DECISIONS]

    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("doc", DECISIONS, ids=name_of)
def test_a_decision_says_why_what_and_what_follows(doc):
    text = doc.read_text()

    assert text.startswith(f"# {int(doc.name[:4])}. ")
    assert re.findall(r"^## (.+)$", text, re.M) == ["Context", "Decision", "Consequences"]
