"""A demo, and people who use it in Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.e2e.product import Demo

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

AXE_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, object]) -> dict[str, object]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("chromium is not installed")
    return browser_type_launch_args | {"executable_path": chromium, "args": FLAGS}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo"))
    demo.start()
    yield demo
    demo.stop()


class Person:
    """Somebody at a browser of their own."""

    def __init__(self, page: Page, demo: Demo, name: str) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.goto(f"{demo.url}/accounts/login/")
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(demo.passwords[name])
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("main")).to_be_visible()

    def _hear(self, message: object) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            self.problems.append(message.text)

    def check_page(self) -> None:
        """No accessibility problem, no script error, nothing that the CSP refused."""
        found = Axe().run(self.page, options=AXE_RULES).response["violations"]
        serious = [one["id"] for one in found if one["impact"] in ("serious", "critical")]
        assert serious == [], self.page.url
        assert self.problems == [], self.page.url


Enter = Callable[..., Person]


@pytest.fixture
def enter(browser: Browser, demo: Demo) -> Iterator[Enter]:
    """`enter("ruth")`: she logs in, in a browser of her own."""
    contexts = []

    def enter(name: str, **options: object) -> Person:
        contexts.append(browser.new_context(**options))
        return Person(contexts[-1].new_page(), demo, name)

    yield enter
    for context in contexts:
        context.close()


@pytest.fixture
def pictures() -> Path:
    """Where screenshots go, to be looked at."""
    folder = Path("build/pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
