"""The pytest plugin: a `runs` fixture. See `orchestrator.testing`.

pytest loads it in every project that has the package installed, before Django is set up.
So it imports the engine where a test asks for it, and nothing else is done for the others.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from orchestrator.testing.runs import Runs

_RUNS: pytest.StashKey[Runs] = pytest.StashKey()
_HAS_PASSED: pytest.StashKey[bool] = pytest.StashKey()


class WithDjango:
    """The fixture, on a database that commits, as the engine does."""

    @pytest.fixture
    def runs(self, request: pytest.FixtureRequest, transactional_db: None) -> Iterator[Runs]:
        """Drive runs in this test. What it returns is an `orchestrator.testing.Runs`.

        Workflows that the test defines are forgotten after it.
        """
        from orchestrator.testing import registrations  # noqa: PLC0415
        from orchestrator.testing.runs import Runs  # noqa: PLC0415

        with registrations.temporary():
            runs = Runs()
            runs.open()
            request.node.stash[_RUNS] = runs
            yield runs
            unmet = runs.close()
        if unmet and request.node.stash.get(_HAS_PASSED, False):
            pytest.fail("\n".join(unmet), pytrace=False)


class WithoutDjango:
    """Says what is missing."""

    @pytest.fixture
    def runs(self) -> None:
        """Needs pytest-django."""
        pytest.fail(
            "the `runs` fixture needs pytest-django, which gives a test its database. In a "
            "TransactionTestCase write: runs = self.enterContext(orchestrator.testing.Runs())",
            pytrace=False,
        )


def pytest_configure(config: pytest.Config) -> None:
    plugins = config.pluginmanager
    has_django = plugins.hasplugin("django") or plugins.hasplugin("pytest_django.plugin")
    plugins.register(WithDjango() if has_django else WithoutDjango(), "orchestrator-runs")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a test that fails show where its runs are, and why."""
    report = yield
    runs = item.stash.get(_RUNS, None)
    if runs is not None and call.when == "call":
        item.stash[_HAS_PASSED] = call.excinfo is None
        if report.failed:
            report.sections.append(("Runs of this test", _account(runs)))
    return report


def _account(runs: Runs) -> str:
    try:
        return runs.account() or "no run was started"
    except Exception as error:  # The test may have left the database in any state.
        return f"they could not be read: {error!r}"
