"""Each model has the outcome that the table says. Needs `spin` and a C compiler."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.models.table import FAILS, HOLDS, VARIANTS, Variant

FOLDER = Path(__file__).parent

# So deep may an execution be, and so much memory (in MB) may its states take.
DEPTH, MEMORY = 1_000_000, 2_000


def search(variant: Variant, folder: Path) -> str:
    """Search all states of a model; what the search said."""
    shutil.copy(FOLDER / f"{variant.model}.pml", folder / "model.pml")
    macros = [f"-D{macro}" for macro in variant.macros.split()]
    run(folder, "spin", *macros, "-a", "model.pml")
    run(folder, "gcc", "-O1", "-DSAFETY", "-DCOLLAPSE", f"-DMEMLIM={MEMORY}", "-o", "pan", "pan.c")
    # -E: that processes wait at the end is no error. What must have happened by then is in
    # the model's own assertions.
    return run(folder, "./pan", "-E", f"-m{DEPTH}")


def run(folder: Path, *command: str) -> str:
    ran = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=100, check=False
    )
    said = ran.stdout + ran.stderr
    assert ran.returncode == 0, f"{' '.join(command)}\n{said}"
    return said


def outcome_of(said: str) -> str:
    """Raises AssertionError for a search that was not complete."""
    errors = re.search(r"errors: (\d+)", said)
    assert errors, said
    if errors.group(1) != "0":
        assert "assertion violated" in said, said
        return FAILS
    assert "Search not completed" not in said, said
    assert "max search depth too small" not in said, said
    return HOLDS


@pytest.mark.models
@pytest.mark.timeout(300)
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_a_model_has_the_outcome_that_the_table_says(variant, tmp_path):
    said = search(variant, tmp_path)

    assert outcome_of(said) == variant.outcome, f"{variant.why}\n{said}"


def test_every_way_to_weaken_a_model_is_in_the_table():
    for model in FOLDER.glob("*.pml"):
        written = set(re.findall(r"(?:#ifdef|#ifndef|defined\()\s*(\w+)", model.read_text()))
        macros = " ".join(one.macros for one in VARIANTS if one.model == model.stem)
        tried = set(re.findall(r"[A-Z_]+", macros))
        # What the models define themselves.
        assert written - tried - {"HINTED", "EVENTS", "WORKERS", "DEATHS"} == set(), model.name


def test_every_model_holds_as_it_is():
    models = {one.stem for one in FOLDER.glob("*.pml")}

    assert {one.model for one in VARIANTS if (one.macros, one.outcome) == ("", HOLDS)} == models


@pytest.mark.parametrize(
    "said",
    [
        "nothing at all",
        "errors: 1 without a reason",
        "Warning: Search not completed\nerrors: 0",
        "error: max search depth too small\nerrors: 0",
    ],
)
def test_a_search_that_was_not_complete_says_nothing(said):
    with pytest.raises(AssertionError):
        outcome_of(said)
