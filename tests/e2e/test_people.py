"""A reviewer decides, and an operator sees the run go on: in the browser, as they would."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "narrow": {"viewport": {"width": 320, "height": 720}},
}

SCREENS = {
    "queue": ("ruth", "/inbox/queue/"),
    "my-work": ("ruth", "/inbox/"),
    "overview": ("omar", "/ops/"),
    "runs": ("omar", "/ops/runs/"),
    "workflows": ("omar", "/ops/workflows/"),
    "api": ("ada", "/api/v1/docs"),
}


def open_task(page: Page, title: str) -> None:
    page.goto(f"{origin(page)}/inbox/queue/")
    page.get_by_role("link", name=title).click()


def origin(page: Page) -> str:
    scheme, _, rest = page.url.partition("//")
    return f"{scheme}//{rest.partition('/')[0]}"


def decide(page: Page) -> None:
    page.get_by_role("button", name="Claim and start").click()
    page.get_by_label("Low", exact=True).check()
    page.get_by_label("Sanctions list checked").check()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("main")).to_contain_text("Approve")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)


def open_run(page: Page, key: str) -> None:
    page.goto(f"{origin(page)}/ops/runs/?q={key}")
    page.get_by_role("link", name="customer-onboarding").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("customer-onboarding")


def test_a_reviewer_decides_and_an_operator_sees_the_run_completed(enter):
    ruth, omar = enter("ruth"), enter("omar")

    open_task(ruth.page, "Hafenrost")
    ruth.check_page()
    decide(ruth.page)
    ruth.check_page()
    open_run(omar.page, "customer-ines@hafenrost.example")

    expect(omar.page.get_by_text("Completed").first).to_be_visible()
    expect(omar.page.get_by_role("table").first).to_contain_text("activate-account")
    omar.check_page()


def test_everything_works_without_javascript(enter):
    ravi = enter("ravi", java_script_enabled=False)
    omar = enter("omar", java_script_enabled=False)

    open_task(ravi.page, "Solmar")
    decide(ravi.page)
    open_run(omar.page, "customer-tomas@solmar.example")

    for _ in range(20):
        if omar.page.get_by_text("Completed").first.is_visible():
            break
        omar.page.wait_for_timeout(300)
        omar.page.reload()
    expect(omar.page.get_by_text("Completed").first).to_be_visible()


def test_of_two_reviewers_one_wins_and_the_other_is_told_who(enter):
    ruth, ravi = enter("ruth"), enter("ravi")
    open_task(ruth.page, "Almwerk")
    open_task(ravi.page, "Almwerk")

    ruth.page.get_by_role("button", name="Claim and start").click()
    expect(ruth.page.get_by_label("Low", exact=True)).to_be_visible()
    ravi.page.get_by_role("button", name="Claim and start").click()

    expect(ravi.page.get_by_role("main")).to_contain_text("Ruth")
    ravi.check_page()


def test_a_wrong_form_keeps_what_was_typed_and_says_what_is_wrong(enter):
    ruth = enter("ruth")
    open_task(ruth.page, "Noor")
    ruth.page.get_by_role("button", name="Claim and start").click()
    ruth.page.get_by_label("Note for the file").fill("seen her passport")
    ruth.page.get_by_role("button", name="Reject").click()

    expect(ruth.page.get_by_role("alert")).to_contain_text("There is a problem")
    expect(ruth.page.get_by_label("Note for the file")).to_have_value("seen her passport")
    ruth.check_page()


def test_an_operator_cancels_a_run_with_a_reason(enter):
    omar = enter("omar")
    omar.page.goto(f"{origin(omar.page)}/ops/runs/?q=subscription-S-1001")
    omar.page.get_by_role("link", name="subscription-lifecycle").first.click()
    omar.page.get_by_role("link", name="Cancel run").or_(
        omar.page.get_by_role("button", name="Cancel run")
    ).first.click()
    dialog = omar.page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("the customer called")
    dialog.get_by_role("button", name="Cancel").last.click()

    expect(omar.page.get_by_text("Cancelled").first).to_be_visible()
    omar.page.get_by_role("link", name="Audit").click()
    expect(omar.page.get_by_role("main")).to_contain_text("the customer called")
    omar.check_page()


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("screen", SCREENS)
def test_each_screen_in_each_look(enter, pictures, look, screen):
    person, path = SCREENS[screen]
    somebody = enter(person, **LOOKS[look])
    somebody.page.goto(f"{origin(somebody.page)}{path}")
    somebody.page.wait_for_load_state("networkidle")
    somebody.page.screenshot(path=pictures / f"{screen}-{look}.png", full_page=True)

    somebody.check_page()
    overflow = somebody.page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow <= 0
