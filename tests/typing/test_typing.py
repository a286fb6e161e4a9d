"""What the type checker says of what authors write: each snippet under `mypy --strict`.

A line with `# E: text` must have an error with that text; no other line may have one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

api = pytest.importorskip("mypy.api")

SNIPPETS = sorted((Path(__file__).parent / "snippets").glob("*.py"))
ROOT = Path(__file__).parents[2]

Errors = dict[tuple[str, int], str]


@pytest.fixture(scope="module")
def errors(pytestconfig: pytest.Config) -> Errors:
    """What mypy says of all snippets, by file and line."""
    options = [
        "--config-file=",  # the project's own has a plugin that starts Django
        "--strict",
        "--follow-imports=silent",
        "--no-site-packages",
        "--no-error-summary",
        "--hide-error-context",
        f"--cache-dir={pytestconfig.cache.mkdir('mypy')}",
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MYPYPATH", str(ROOT))
        said, failed, _ = api.run([*options, *map(str, SNIPPETS)])
    assert not failed, failed
    found: Errors = defaultdict(str)
    for line in said.splitlines():
        if match := re.match(r"(.+?):(\d+): error: (.+)", line):
            found[Path(match[1]).name, int(match[2])] += match[3] + "\n"
    return found


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda path: path.stem)
def test_the_type_checker_finds_what_is_wrong_and_nothing_else(snippet, errors):
    surprises = []
    for number, line in enumerate(snippet.read_text().splitlines(), start=1):
        _, _, expected = line.partition("# E: ")
        said = errors.get((snippet.name, number), "")
        if expected not in said or bool(said) != bool(expected):
            surprises.append(f"{snippet.name}:{number}: expected {expected!r}, got {said!r}")

    assert not surprises, "\n".join(surprises)
