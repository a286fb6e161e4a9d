"""A demo, and people who use it in Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.e2e.product import Demo, prepare

# A page may wait for a step of a demo's workflow, which takes its time on purpose.
expect.set_options(timeout=15_000)

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# What axe finds that matters. It is asked for no more than that: its whole answer takes longer
# to tell than to find.
AXE = """async (rules) => {
  const options = { ...rules, resultTypes: ["violations"], preload: false };
  const found = await axe.run(document, options);
  return found.violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes[0].html.slice(0, 160)}`);
}"""
# What is just fading in has less contrast than it will have.
AT_REST = """() => Promise.all(
  document.getAnimations()
    .filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
    .map((one) => one.finished.catch(() => null))
).then(() => null)"""
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}
CONTRAST = {"runOnly": ["color-contrast"]}


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, object]) -> dict[str, object]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("chromium is not installed")
    return browser_type_launch_args | {"executable_path": chromium, "args": FLAGS}


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("prepared"))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, prepared: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo"), prepared=prepared)
    demo.start()
    yield demo
    demo.stop()


class Person:
    """Somebody at a browser of their own."""

    def __init__(self, page: Page, demo: Demo, name: str) -> None:
        self.page = page
        self.url = demo.url
        self.password = demo.passwords.get(name, "")
        self.problems: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    def log_in(self, name: str) -> None:
        self.go("/accounts/login/")
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password").fill(self.password)
        self.page.get_by_role("button", name="Log in").click()
        expect(self.page.get_by_role("button", name="Log in")).to_have_count(0)

    def go(self, path: str) -> None:
        self.page.goto(f"{self.url}{path}")

    def _hear(self, message: object) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            self.problems.append(message.text)

    def check_page(self) -> None:
        assert self.problems_of_page() == [], self.page.url

    def problems_of_page(self, rules: dict[str, object] = RULES) -> list[str]:
        """Accessibility problems, errors of the script, and what the CSP refused, so far."""
        self.page.evaluate(AT_REST)
        if not self.page.evaluate("Boolean(window.axe)"):
            self.page.evaluate(f"{Axe().axe_script}; null")
        found: list[str] = self.page.evaluate(AXE, rules)
        said, self.problems = self.problems, []
        return found + said


Enter = Callable[..., Person]


@pytest.fixture(scope="module")
def sessions(demo: Demo) -> dict[str, object]:
    """The cookies of those who have logged in once."""
    return {}


@pytest.fixture
def enter(browser: Browser, demo: Demo, sessions: dict[str, object]) -> Iterator[Enter]:
    """`enter("ruth")`: she is logged in, in a browser of her own; "" is a stranger."""
    contexts = []

    def enter(name: str = "", **options: object) -> Person:
        contexts.append(browser.new_context(storage_state=sessions.get(name), **options))
        person = Person(contexts[-1].new_page(), demo, name)
        if name and name not in sessions:
            person.log_in(name)
            sessions[name] = contexts[-1].storage_state()
        return person

    yield enter
    for context in contexts:
        context.close()


@pytest.fixture
def pictures() -> Path:
    """Where screenshots go, to be looked at."""
    folder = Path("build/pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
