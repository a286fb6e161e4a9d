"""The code on the pages runs, in its order, and prints what the pages say that it prints."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
from django.utils.module_loading import import_string

from config.celery import app
from orchestrator.core.definition import registry
from tests.docs.pages import EXCERPTS, LESSONS, Block, blocks, name_of


class Reader:
    """Somebody who types a page's code into the files that it names.

    A block that begins with `# shop/workflows.py` belongs to that module, and is found by
    `import shop.workflows` from then on. The rest is typed into one shell.
    """

    def __init__(self) -> None:
        self.modules: dict[str, ModuleType] = {}

    def type(self, block: Block, page: Path) -> ModuleType:
        """Run a block where it belongs; its tracebacks show the page."""
        module = self._module(_file_of(block) or "a_shell.py")
        code = compile("\n" * (block.line - 1) + block.code, str(page), "exec")
        exec(code, vars(module))
        return module

    def close(self) -> None:
        for name in self.modules:
            sys.modules.pop(name, None)

    def _module(self, file: str) -> ModuleType:
        name = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        package, _, last = name.rpartition(".")
        if name not in self.modules:
            module = self.modules[name] = sys.modules[name] = ModuleType(name)
            module.__path__ = []
            if package:
                setattr(self._module(f"{package.replace('.', '/')}/__init__.py"), last, module)
        return self.modules[name]


def _file_of(block: Block) -> str | None:
    first = block.code.partition("\n")[0]
    return first[2:] if first.startswith("# ") and first.endswith(".py") else None


@pytest.fixture
def reader() -> Iterator[Reader]:
    """A reader, who leaves no module, no workflow and no Celery app behind."""
    before = {name: dict(versions) for name, versions in registry._by_name.items()}
    reader = Reader()
    yield reader
    reader.close()
    registry._by_name = before
    app.set_current()


@pytest.mark.parametrize("lesson", LESSONS, ids=name_of)
def test_the_code_on_a_page_runs(lesson, reader, runs, request, capsys):
    found = blocks(lesson.read_text())
    assert any(block.language == "python" for block in found)
    capsys.readouterr()
    for block, following in zip(found, [*found[1:], None], strict=True):
        if block.language != "python":
            continue
        module = reader.type(block, lesson)
        if following is not None and following.language == "text":
            assert capsys.readouterr().out == following.code
        _run_tests(module, request)


def _run_tests(module: ModuleType, request: pytest.FixtureRequest) -> None:
    """Run the tests that a page shows, each with the fixtures that it names."""
    for name in [name for name in vars(module) if name.startswith("test_")]:
        test = vars(module).pop(name)
        test(**{name: request.getfixturevalue(name) for name in inspect.signature(test).parameters})


@pytest.mark.parametrize("excerpt", EXCERPTS, ids=name_of)
def test_excerpts_on_a_page_parse_and_import_what_exists(excerpt):
    for block in blocks(excerpt.read_text()):
        if block.language == "python":
            flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            tree = compile(block.code, str(excerpt), "exec", flags)
            imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
            exec(compile(ast.Module(imports, []), str(excerpt), "exec"), {})


@pytest.mark.parametrize("lesson", LESSONS, ids=name_of)
def test_settings_on_a_page_name_what_exists(lesson, reader):
    for block in blocks(lesson.read_text()):
        if (_file_of(block) or "").endswith("settings.py"):
            settings = vars(reader.type(block, lesson))
            apps = set(settings.pop("INSTALLED_APPS", []))
            assert [name for name in apps - {"shop"} if not find_spec(name)] == []
            for name in settings.pop("MIDDLEWARE", []):
                assert import_string(name)


def test_a_broken_block_is_found_and_its_line_is_the_pages(reader):
    [block] = blocks("# Page\n\n```python\nx = 1\nx.y\n```\n")

    with pytest.raises(AttributeError) as caught:
        reader.type(block, Path("page.md"))

    assert caught.traceback[-1].lineno + 1 == 5


def test_a_block_that_names_a_file_is_a_module(reader):
    first, second = blocks(
        "```python\n# shop/prices.py\nPRICE = 3\n```\n"
        "```python\nfrom shop.prices import PRICE\nassert PRICE == 3\n```\n"
    )

    reader.type(first, Path("page.md"))
    reader.type(second, Path("page.md"))

    assert set(reader.modules) == {"shop", "shop.prices", "a_shell"}
