"""The table of mutants fits the code as it is now."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.mutants.mutant import DoesNotApply, Mutant
from tests.mutants.table import MUTANTS

ROOT = Path(__file__).resolve().parents[2]


def functions_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_a_mutant_is_code_that_differs_from_the_real_code(mutant):
    source = mutant.source()

    compile(source, mutant.module, "exec")
    assert source != mutant.path.read_text()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_the_test_that_is_to_notice_a_mutant_exists(mutant):
    path, name = mutant.killer.split("[")[0].split("::")

    assert name in functions_of(path)


def test_each_mutant_has_a_name_of_its_own():
    names = [one.name for one in MUTANTS]

    assert len(names) == len(set(names)) >= 20


@pytest.mark.parametrize("takes", ["no such guard", "import"])
def test_a_mutant_that_does_not_apply_is_an_error(takes):
    mutant = Mutant(
        name="planted",
        harm="",
        module="orchestrator.store.steps",
        takes=takes,
        puts="",
        killer="tests/mutants/test_table.py::test_each_mutant_has_a_name_of_its_own",
    )

    with pytest.raises(DoesNotApply, match=r"planted: .* times, not once"):
        mutant.source()
