"""A reviewer decides, and an operator sees the run go on: in the browser, as they would."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.steps import decide, open_run, open_task

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_a_reviewer_decides_and_an_operator_sees_the_run_completed(enter):
    ruth, omar = enter("ruth"), enter("omar")

    open_task(ruth, "Hafenrost")
    ruth.check_page()
    decide(ruth.page)
    ruth.check_page()
    open_run(omar, "customer-ines@hafenrost.example")

    expect(omar.page.get_by_text("Completed").first).to_be_visible()
    expect(omar.page.get_by_role("table").first).to_contain_text("activate-account")
    omar.check_page()


def test_everything_works_without_javascript(enter):
    ravi = enter("ravi", java_script_enabled=False)
    omar = enter("omar", java_script_enabled=False)

    open_task(ravi, "Solmar")
    decide(ravi.page)
    open_run(omar, "customer-tomas@solmar.example")

    for _ in range(20):
        if omar.page.get_by_text("Completed").first.is_visible():
            break
        omar.page.wait_for_timeout(300)
        omar.page.reload()
    expect(omar.page.get_by_text("Completed").first).to_be_visible()


def test_of_two_reviewers_one_wins_and_the_other_is_told_who(enter):
    ruth, ravi = enter("ruth"), enter("ravi")
    open_task(ruth, "Almwerk")
    open_task(ravi, "Almwerk")

    ruth.page.get_by_role("button", name="Claim and start").click()
    expect(ruth.page.get_by_label("Low", exact=True)).to_be_visible()
    ravi.page.get_by_role("button", name="Claim and start").click()

    expect(ravi.page.get_by_role("main")).to_contain_text("Ruth")
    ravi.check_page()


def test_a_wrong_form_keeps_what_was_typed_and_says_what_is_wrong(enter):
    ruth = enter("ruth")
    open_task(ruth, "Noor")
    ruth.page.get_by_role("button", name="Claim and start").click()
    ruth.page.get_by_label("Note for the file").fill("seen her passport")
    ruth.page.get_by_role("button", name="Reject").click()

    expect(ruth.page.get_by_role("alert")).to_contain_text("There is a problem")
    expect(ruth.page.get_by_label("Note for the file")).to_have_value("seen her passport")
    ruth.check_page()


def test_an_operator_cancels_a_run_with_a_reason(enter):
    omar = enter("omar")
    open_run(omar, "subscription-S-1001")
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
