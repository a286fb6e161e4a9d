"""Whether two processes have the same code for a workflow."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.core.fingerprints import fingerprint, own_modules

SHOP = {
    "workflows": "from shop import prices\nfrom shop.stock import reserve\nimport json\n"
    "async def order(ctx):\n    return reserve(ctx) in {'a', 'b', 'c'}\n",
    "prices": "VAT = 19\n",
    "stock": "def reserve(ctx): return 'a'\n",
    "letters": "GREETING = 'Dear'\n",
}


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A project on the path; returns the fingerprint of its workflow as it is now."""
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").touch()
    for name, source in SHOP.items():
        (package / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def deployed(**sources: str) -> str:
        for name, source in sources.items():
            (package / f"{name}.py").write_text(source)
        forget()
        return fingerprint(importlib.import_module("shop.workflows").order)

    def forget() -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
            del sys.modules[name]
        importlib.invalidate_caches()

    yield deployed
    forget()


def test_the_same_files_have_the_same_fingerprint(shop):
    assert shop() == shop()


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("workflows", SHOP["workflows"].replace("'c'", "'d'")),
        ("prices", "VAT = 20\n"),
        ("stock", "def reserve(ctx): return 'b'\n"),
    ],
)
def test_a_change_in_what_the_body_uses_is_another_fingerprint(shop, module, source):
    assert shop() != shop(**{module: source})


def test_a_change_elsewhere_is_not(shop):
    assert shop() == shop(letters="GREETING = 'Hi'\n")


def test_libraries_do_not_count(shop):
    shop()

    assert own_modules("shop.workflows") == {"shop.workflows", "shop.prices", "shop.stock"}


def test_what_else_a_process_has_imported_does_not_count(shop):
    before = shop(prices="import shop\nVAT = 19\n")
    importlib.import_module("shop.letters")

    assert fingerprint.__wrapped__(sys.modules["shop.workflows"].order) == before


def test_two_bodies_of_one_module_have_two():
    async def one(ctx): ...

    async def two(ctx):
        return 1

    assert fingerprint(one) != fingerprint(two)


def test_every_process_comes_to_the_same(shop, tmp_path):
    here = shop()
    script = (
        "from orchestrator.core.fingerprints import fingerprint\n"
        "from shop.workflows import order\nprint(fingerprint(order))"
    )
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{root}", "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-c", script]

    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)

    assert told.stdout.strip() == here
