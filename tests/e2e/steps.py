"""What people do in several tests."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Person


def open_task(person: Person, title: str) -> None:
    """The page of the task, as soon as its run has asked."""
    task = person.page.get_by_role("link", name=title)
    for _ in range(60):
        person.go("/inbox/queue/?show=open")
        if task.count():
            break
        person.page.wait_for_timeout(250)
    task.click()
    expect(person.page.get_by_role("heading", level=1)).to_contain_text(title)


def claim(page: Page) -> None:
    page.get_by_role("button", name="Claim and start").click()
    expect(page.get_by_role("button", name="Give back")).to_be_visible()


def fill_in(page: Page) -> None:
    page.get_by_label("Low", exact=True).check()
    page.get_by_label("Sanctions list checked").check()


def decide(page: Page) -> None:
    page.get_by_role("button", name="Claim and start").click()
    fill_in(page)
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("main")).to_contain_text("Approve")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)


def open_run(person: Person, key: str) -> None:
    person.go(f"/ops/runs/?q={key}")
    person.page.get_by_role("table").get_by_role("link").first.click()
    expect(person.page.get_by_role("navigation", name="About this run")).to_be_visible()
