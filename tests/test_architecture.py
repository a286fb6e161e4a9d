"""The house rules that no linter knows. Each check is shown a planted offence first.

Who may import whom is import-linter's, in pyproject.toml.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("orchestrator", "humantasks", "dashboard", "config", "examples")
MAX_LINES = 400

# --- Who writes a table --------------------------------------------------------------

# The models of an app, and the one place that writes them.
OWNERS = {
    "orchestrator.models": ("orchestrator/store/",),
    "humantasks.models": ("humantasks/inbox.py", "humantasks/inbox/"),
    "dashboard.models": ("dashboard/",),
}
WRITES = {
    verb
    for name in ("create", "get_or_create", "update_or_create", "bulk_create", "bulk_update")
    for verb in (name, f"a{name}")
} | {"update", "aupdate", "delete", "adelete", "save", "asave", "_raw_delete"}
SAVES = {"save", "asave", "delete", "adelete"}
# A chain with one of these is a queryset, whatever it began with.
QUERIES = {"filter", "exclude", "all", "order_by", "select_for_update", "using", "objects"}
WRITING_SQL = re.compile(
    r"\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+\W?(orchestrator|humantasks)_", re.IGNORECASE
)


def foreign_writes(path: str, source: str) -> list[str]:
    """The writes in a module to tables that are not its own, as `line: code`.

    Where a module knows somebody else's models, whatever it saves counts as theirs. Not so
    what begins with another name that it imports: its own model, or a verb of the owner.
    """
    tree = ast.parse(source)
    imported = dict(_imports(tree))
    foreign = {name for name, app in imported.items() if app and not path.startswith(OWNERS[app])}
    known = set(imported) - foreign
    found = list(_writing_sql(path, tree))
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and foreign and _writes(call, foreign, known):
            found.append(f"{call.lineno}: {ast.unparse(call)}")
    return found


def _imports(tree: ast.AST) -> Iterator[tuple[str, str | None]]:
    """Each imported name, with the models that it stands for, if it does."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                path = f"{node.module}.{alias.name}."
                yield alias.asname or alias.name, _app(path)


def _app(path: str) -> str | None:
    return next((models for models in OWNERS if path.startswith(f"{models}.")), None)


def _writes(call: ast.Call, foreign: set[str], known: set[str]) -> bool:
    root, chain = _chain(call.func)
    if not chain or chain[-1] not in WRITES or root in known:
        return False
    is_queryset = bool(QUERIES & set(chain))
    return root in foreign or is_queryset or chain[-1] in SAVES


def _chain(node: ast.expr) -> tuple[str, list[str]]:
    """`Run.objects.filter(…).update` as `("Run", ["objects", "filter", "update"])`."""
    chain: list[str] = []
    while isinstance(node, ast.Attribute | ast.Call):
        if isinstance(node, ast.Attribute):
            chain.insert(0, node.attr)
            node = node.value
        else:
            node = node.func
    return (node.id if isinstance(node, ast.Name) else ""), chain


def _writing_sql(path: str, tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for match in WRITING_SQL.finditer(node.value):
                if not path.startswith(OWNERS[f"{match[1].lower()}.models"]):
                    yield f"{node.lineno}: {match[0]}"


@pytest.mark.parametrize(
    "offence",
    [
        "from orchestrator.models import Run\nRun.objects.create(id=1)",
        "from orchestrator.models import Run as Row\nRow.objects.filter(id=1).update(status='x')",
        "from orchestrator import models\nmodels.Run.objects.all().delete()",
        "from orchestrator.models.runs import Run\nRun.objects.all().delete()",
        "from orchestrator.models import Run\nrun = Run.objects.get(id=1)\nrun.save()",
        "from orchestrator.models import Run\nRun(id=1).save()",
        "from orchestrator.models import Run\nrun.entries.filter(key='a').update(status='x')",
        "from humantasks.models import HumanTask\nawait HumanTask.objects.acreate()",
        "cursor.execute('UPDATE orchestrator_run SET status = 1')",
        "cursor.execute('delete from \"humantasks_humantask\"')",
    ],
)
def test_a_planted_write_is_found(offence: str) -> None:
    assert foreign_writes("dashboard/views.py", offence)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("orchestrator/store/runs.py", "from orchestrator.models import Run\nRun.objects.create()"),
        ("humantasks/inbox.py", "from humantasks.models import HumanTask\ntask.save()"),
        (
            "dashboard/views.py",
            "from orchestrator.models import Run\nfrom dashboard.models import SavedView\n"
            "SavedView.objects.filter(id=1).delete()\nshown.update(Run.objects.in_bulk())",
        ),
        ("dashboard/views.py", "fields.update(a=1)\nform.save()"),
        (
            "orchestrator/engine/driver.py",
            "from orchestrator.models import Run\nfrom orchestrator.store import ticks\n"
            "ticks.save(Run.objects.get())",
        ),
    ],
)
def test_an_owner_and_a_reader_are_left_alone(path: str, source: str) -> None:
    assert foreign_writes(path, source) == []


def test_only_the_owner_writes_a_table() -> None:
    assert [
        f"{path}:{write}"
        for path, source in _modules()
        if "/migrations/" not in path
        for write in foreign_writes(path, source)
    ] == []


# --- How long a module may be --------------------------------------------------------


def too_long(source: str) -> bool:
    return source.count("\n") > MAX_LINES


def test_a_planted_long_module_is_found() -> None:
    assert too_long("pass\n" * (MAX_LINES + 1))
    assert not too_long("pass\n" * MAX_LINES)


def test_no_module_is_longer_than_a_person_reads_at_once() -> None:
    assert [path for path, source in _modules() if too_long(source)] == []


# --- What a template may hold --------------------------------------------------------

# The content security policy forbids inline code and style, and everything from outside;
# the rest would not mean the same in htmx 4.
FORBIDDEN_IN_TEMPLATES = {
    "an inline style": re.compile(r"\sstyle\s*=|<style\b"),
    "an event attribute": re.compile(r"\son[a-z]+\s*="),
    "a script without src": re.compile(r"<script\b(?![^>]*\ssrc\s*=)"),
    "hx-on": re.compile(r"\shx-on\b"),
    "a script in hx-vals": re.compile(r"\shx-(?:vals|headers)\s*=\s*[\"']js(?:on)?:"),
    "a filter in hx-trigger": re.compile(r"\shx-trigger\s*=\s*\"[^\"]*\["),
    "an address outside": re.compile(r"\s(?!xmlns)[\w:-]+\s*=\s*[\"'](?:https?:)?//"),
}
FORBIDDEN_IN_CSS = {"an address outside": re.compile(r"@import|url\(\s*[\"']?(?:https?:)?//")}

# Django's own markup is not sent to the browser. Tags become a space, which keeps the
# attributes around them apart.
DJANGO_TAGS = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.S)


def offences(text: str, rules: dict[str, re.Pattern[str]]) -> list[str]:
    sent = DJANGO_TAGS.sub(" ", text)
    return [name for name, pattern in rules.items() if pattern.search(sent)]


@pytest.mark.parametrize(
    ("name", "template"),
    [
        ("an inline style", '<p style="color: red">'),
        ("an inline style", "<style>p { color: red }</style>"),
        ("an event attribute", '<button onclick="go()">'),
        ("an event attribute", '<body {% if a %}onload="go()"{% endif %}>'),
        ("a script without src", "<script>go()</script>"),
        ("a script without src", '<script type="module">go()</script>'),
        ("hx-on", '<div hx-on:click="go()">'),
        ("a script in hx-vals", "<div hx-vals='js:{a: go()}'>"),
        ("a filter in hx-trigger", '<div hx-trigger="keyup[key==1]">'),
        ("an address outside", '<script src="https://cdn.example/x.js"></script>'),
        ("an address outside", '<img src="//cdn.example/x.png">'),
    ],
)
def test_a_planted_offence_in_a_template_is_found(name: str, template: str) -> None:
    assert offences(template, FORBIDDEN_IN_TEMPLATES) == [name]


def test_ordinary_markup_is_no_offence() -> None:
    markup = """
      {% include "_row.html" with only=this style="x" only %} {# <script>no()</script> #}
      <svg xmlns="http://www.w3.org/2000/svg"></svg> <script src="{% static 'a.js' %}"></script>
      <a href="{% url 'inbox' %}" hx-get="/inbox/" hx-trigger="every 2s">https://example.org</a>
    """
    assert offences(markup, FORBIDDEN_IN_TEMPLATES) == []


def test_templates_hold_markup_only() -> None:
    templates = [path for path in _files("*.html") if "templates" in path.parts]

    assert _found(templates, FORBIDDEN_IN_TEMPLATES) == {}


def test_a_planted_import_in_a_style_sheet_is_found() -> None:
    assert offences("@import 'x.css';", FORBIDDEN_IN_CSS)
    assert offences("a { background: url(//cdn.example/x.png) }", FORBIDDEN_IN_CSS)
    assert not offences("a { background: url('icons.svg') }", FORBIDDEN_IN_CSS)


def test_style_sheets_load_nothing_from_outside() -> None:
    assert _found(_files("*.css"), FORBIDDEN_IN_CSS) == {}


def _found(paths: list[Path], rules: dict[str, re.Pattern[str]]) -> dict[str, list[str]]:
    found = {str(path.relative_to(ROOT)): offences(path.read_text(), rules) for path in paths}
    return {path: names for path, names in found.items() if names}


def _files(pattern: str) -> list[Path]:
    folders = [ROOT / name for name in (*ROOMS, "templates", "static")]
    return [path for folder in folders for path in sorted(folder.rglob(pattern))]


def _modules() -> list[tuple[str, str]]:
    return [(str(path.relative_to(ROOT)), path.read_text()) for path in _files("*.py")]
