"""Every screen in light and dark, wide and narrow: legible, reachable, and inside its frame."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import expect

from tests.e2e.conftest import CONTRAST, RULES, Enter, Person
from tests.e2e.steps import claim, open_run, open_task

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

WIDE, MIDDLE, NARROW = 1280, 768, 320
# Contrast is the same at any width.
LAYOUT = RULES | {"rules": {"color-contrast": {"enabled": False}}}
NO_RUN = "00000000-0000-0000-0000-000000000000"
FAILED, WAITING = "order-A-7003", "customer-ines@hafenrost.example"


def address(path: str) -> Callable[[Person], None]:
    return lambda person: person.go(path)


def task(person: Person) -> None:
    open_task(person, "Solmar")


def my_task(person: Person) -> None:
    open_task(person, "Hafenrost")
    if person.page.get_by_role("button", name="Claim and start").count():
        claim(person.page)


def wrong_answer(person: Person) -> None:
    my_task(person)
    person.page.get_by_role("button", name="Reject").click()
    expect(person.page.get_by_role("alert")).to_contain_text("There is a problem")


def run(key: str, query: str = "") -> Callable[[Person], None]:
    def open_it(person: Person) -> None:
        open_run(person, key)
        if query:
            person.page.goto(f"{person.page.url}?{query}")

    return open_it


def question(person: Person) -> None:
    """The question before an action, in its dialog."""
    open_run(person, WAITING)
    person.page.get_by_role("link", name="Cancel run").click()
    expect(person.page.get_by_role("dialog")).to_be_visible()


def more_actions(person: Person) -> None:
    """The menu of a run that cannot be retried."""
    open_run(person, FAILED)
    person.page.locator("#more-actions > summary").click()
    expect(person.page.get_by_text("The run has ended: failed").first).to_be_visible()


def fork_question(person: Person) -> None:
    open_run(person, FAILED)
    person.page.get_by_role("link", name="Fork").click()
    expect(person.page.get_by_role("dialog")).to_be_visible()


def wrong_start(person: Person) -> None:
    person.go("/ops/workflows/customer-onboarding/start/")
    person.page.get_by_role("button", name="Start").click()
    expect(person.page.get_by_role("alert")).to_contain_text("There is a problem")


def error_page(name: str) -> Callable[[Person], None]:
    """A page that only a mistake of ours brings up, as it would come."""

    def open_it(person: Person) -> None:
        body = render_to_string(name)
        person.page.route("**/broken", lambda route: route.fulfill(status=500, body=body))
        person.go("/broken")

    return open_it


# Who looks, and how they get there. Nobody: a page before the login.
SCREENS: dict[str, tuple[str, Callable[[Person], None]]] = {
    "login": ("", address("/accounts/login/")),
    "error-400": ("", error_page("400.html")),
    "error-403": ("ruth", address("/ops/")),
    "error-403-csrf": ("", error_page("403_csrf.html")),
    "error-404": ("ruth", address(f"/inbox/tasks/{NO_RUN}/")),
    "error-500": ("", error_page("500.html")),
    "password": ("ruth", address("/accounts/password/")),
    "my-work": ("ruth", address("/inbox/")),
    "queue": ("ruth", address("/inbox/queue/")),
    "check": ("ruth", address("/inbox/check/")),
    "done": ("ruth", address("/inbox/done/")),
    "task": ("ruth", task),
    "task-mine": ("ruth", my_task),
    "task-wrong": ("ruth", wrong_answer),
    "overview": ("omar", address("/ops/")),
    "runs": ("omar", address("/ops/runs/")),
    "workflows": ("omar", address("/ops/workflows/")),
    "workflow": ("omar", address("/ops/workflows/process-order/")),
    "workflow-machine": ("omar", address("/ops/workflows/order-lifecycle/")),
    "start": ("omar", address("/ops/workflows/process-order/start/")),
    "start-wrong": ("omar", wrong_start),
    "run": ("omar", run(WAITING)),
    "run-failed": ("omar", run(FAILED)),
    "run-step": ("omar", run(FAILED, "step=charge")),
    "run-linear": ("omar", run("subscription-S-1001", "axis=linear")),
    "run-events": ("omar", run(WAITING, "tab=events")),
    "run-values": ("omar", run(WAITING, "tab=values")),
    "run-history": ("omar", run(WAITING, "tab=history")),
    "run-audit": ("omar", run(WAITING, "tab=audit")),
    "run-cancel": ("omar", question),
    "run-more": ("omar", more_actions),
    "run-fork": ("omar", fork_question),
}

# What reaches out of the page or out of its card. What scrolls by itself may be wider inside.
OUTSIDE = """() => {
  const found = [];
  const scrolls = (box) => getComputedStyle(box).overflowX !== "visible";
  const around = (part) => {
    let box = part.parentElement;
    while (box && !box.matches(".card, main") && !scrolls(box)) box = box.parentElement;
    return box;
  };
  const check = (part, box) => {
    const at = part.getBoundingClientRect(), frame = box.getBoundingClientRect();
    const isInside = at.left >= frame.left - 1 && at.right <= frame.right + 1;
    if (!isInside) found.push(part.outerHTML.slice(0, 160));
  };
  if (document.documentElement.scrollWidth > innerWidth) found.push("the page is too wide");
  for (const part of document.querySelectorAll("main :is(.card, .waiting-on) *")) {
    if (part.closest(".sr-only, svg") || !part.checkVisibility()) continue;
    const box = around(part);
    if (!scrolls(box)) check(part, box);
  }
  document.querySelectorAll(".chart text").forEach((text) => check(text, text.closest(".chart")));
  return found;
}"""


@pytest.mark.parametrize("screen", SCREENS)
def test_a_screen_in_every_look(enter: Enter, pictures: Path, screen: str) -> None:
    name, open_it = SCREENS[screen]
    person = enter(name, color_scheme="light", viewport={"width": WIDE, "height": 800})
    page = person.page
    open_it(person)

    def look(name: str) -> None:
        page.screenshot(path=pictures / f"{screen}-{name}.png", full_page=True)

    look("light")
    light = person.problems_of_page() + page.evaluate(OUTSIDE)
    page.emulate_media(color_scheme="dark")
    look("dark")
    dark = person.problems_of_page(CONTRAST)
    page.set_viewport_size({"width": MIDDLE, "height": 800})
    middle = page.evaluate(OUTSIDE)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": NARROW, "height": 720})
    look("narrow")
    narrow = person.problems_of_page(LAYOUT) + page.evaluate(OUTSIDE)

    assert (light, dark, middle, narrow) == ([], [], [], [])


@pytest.mark.parametrize("key", [WAITING, FAILED, "subscription-S-1001"])
def test_a_timeline_stays_inside_of_its_card(enter: Enter, key: str) -> None:
    omar = enter("omar")
    for query in ("axis=compressed", "axis=linear", "axis=sequence", "step=charge"):
        run(key, query)(omar)
        for width in (NARROW, MIDDLE, 800, 1200, WIDE):
            omar.page.set_viewport_size({"width": width, "height": 720})
            assert omar.page.evaluate(OUTSIDE) == []
