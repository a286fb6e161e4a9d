"""A reviewer's day in the browser: Next mode by keyboard, the acts as dialogs, on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.steps import claim, open_task

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_an_act_is_a_dialog_and_says_what_is_wrong_in_it(enter):
    ravi = enter("ravi")
    open_task(ravi, "Almwerk")
    claim(ravi.page)

    ravi.page.keyboard.press("z")
    dialog = ravi.page.get_by_role("dialog")
    expect(dialog.get_by_text("Until")).to_be_visible()
    ravi.check_page()
    dialog.get_by_role("button", name="Put it aside").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Choose an answer")
    dialog.get_by_label("In an hour").check()
    dialog.get_by_role("button", name="Put it aside").click()

    expect(ravi.page.get_by_role("heading", name="My work")).to_be_visible()
    expect(ravi.page.get_by_role("row", name="Paused").first).to_be_visible()
    ravi.check_page()


def test_an_edited_text_shows_what_was_changed(enter):
    edda = enter("edda")
    open_task(edda, "Bees in the city")
    claim(edda.page)
    edda.page.get_by_label("Article").fill("Bees live here, and nobody minds them at all.")

    edda.page.get_by_text("What you have changed").click()

    expect(edda.page.locator("#changes ins").first).to_be_visible()
    edda.check_page()


def test_a_phone_shows_all_of_it_and_scrolls_in_one_direction(enter):
    ruth = enter("ruth", viewport={"width": 320, "height": 700})
    for path in ("/inbox/", "/inbox/queue/?show=open&due=week", "/inbox/next/", "/inbox/done/"):
        ruth.go(path)
        assert ruth.page.evaluate("document.documentElement.scrollWidth") == 320, path
        ruth.check_page()
    open_task(ruth, "Solmar")
    assert ruth.page.evaluate("document.documentElement.scrollWidth") == 320
    ruth.check_page()
