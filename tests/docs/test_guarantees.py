"""Every promise in docs/guarantees.md names proofs, and they exist."""

from __future__ import annotations

import ast
import re

import pytest

from tests.docs.pages import ROOT
from tests.models.table import VARIANTS
from tests.mutants.table import MUTANTS

PAGE = (ROOT / "docs" / "guarantees.md").read_text()
PROMISES = [
    text
    for text in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    if not text.startswith("What is not promised")
]
PARTS = ("Boundary", "Guarantee", "Source of truth", "Your duty", "Proof")


def functions_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / "docs" / path).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def named(promise: str, what: str) -> list[str]:
    """The names behind `mutants` or `models` in a promise's proof."""
    lists = re.findall(rf"\b{what}s? ((?:`\w+`,?\s*)+)", promise)
    return re.findall(r"`(\w+)`", " ".join(lists))


@pytest.mark.parametrize("promise", PROMISES, ids=lambda text: text.splitlines()[0])
def test_a_promise_says_all_its_parts_in_order(promise):
    assert tuple(re.findall(r"^\* \*\*(.+?)\*\*:", promise, re.MULTILINE)) == PARTS


@pytest.mark.parametrize("promise", PROMISES, ids=lambda text: text.splitlines()[0])
def test_the_proofs_of_a_promise_exist(promise):
    tests = re.findall(r"\[`(test_\w+)`\]\((\S+)\)", promise)

    assert tests
    assert [name for name, path in tests if name not in functions_of(path)] == []
    assert named(promise, "mutant")
    assert set(named(promise, "mutant")) <= {one.name for one in MUTANTS}
    assert set(named(promise, "model")) <= {one.model for one in VARIANTS}


def test_every_model_proves_a_promise():
    assert {one.model for one in VARIANTS} == {
        name for one in PROMISES for name in named(one, "model")
    }


def test_names_are_found_over_several_lines():
    assert named("mutants `a`, `b`,\n  `c`, model `d`.", "mutant") == ["a", "b", "c"]
    assert named("mutants `a`, `b`,\n  `c`, models `d`, `e`.", "model") == ["d", "e"]
