"""What reviewers do with files, tables and texts, in the demo's morning."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.steps import claim, open_task

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PDF = {"name": "letter.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 a letter"}


def test_a_file_is_added_without_losing_what_is_typed(enter):
    ravi = enter("ravi")
    open_task(ravi, "Café Azul")
    claim(ravi.page)
    page = ravi.page
    page.get_by_label("Note for the file").fill("Her letter explains it.")
    page.get_by_text("Add a file…").click()
    ravi.check_page()
    page.get_by_label("File", exact=True).set_input_files(PDF | {"name": "letter.html"})
    page.get_by_role("button", name="Add the file").click()
    expect(page.get_by_role("alert").get_by_text("of one of these kinds")).to_be_visible()

    page.get_by_label("File", exact=True).set_input_files(PDF)
    page.get_by_role("button", name="Add the file").click()

    expect(page.get_by_role("link", name="letter.pdf")).to_be_visible()
    expect(page.get_by_label("Note for the file")).to_have_value("Her letter explains it.")
    with page.expect_download() as download:
        page.get_by_role("link", name="letter.pdf").click()
    assert download.value.suggested_filename == "letter.pdf"
    page.get_by_label("The passport is genuine and valid").check()
    page.get_by_label("The sanctions lists were searched today").check()
    page.get_by_label("Low", exact=True).check()
    page.get_by_role("button", name="Keep the customer").click()
    expect(page.get_by_role("button", name="Keep the customer")).to_have_count(0)
    ravi.check_page()


def test_a_table_is_judged_by_keyboard(enter):
    ruth = enter("ruth")
    open_task(ruth, "DE 4711")
    claim(ruth.page)
    page = ruth.page
    ruth.check_page()
    first = page.get_by_role("radiogroup", name="P-4711-001", exact=False)
    first.get_by_role("radio").first.focus()

    for key in ("1", "2", "j", "1"):
        page.keyboard.press(key)

    expect(page.locator("[data-decided]")).to_have_text("3")
    expect(first.get_by_role("radio", name="Release")).to_be_checked()
    page.get_by_role("button", name="All that are left: Release").click()
    expect(page.locator("[data-decided]")).to_have_text("12")
    ruth.check_page()
    page.get_by_role("button", name="Send the verdicts").click()
    expect(page.get_by_role("button", name="Send the verdicts")).to_have_count(0)


def test_an_outcome_unfolds_what_it_alone_asks(enter):
    ruth = enter("ruth")
    open_task(ruth, "Kestrel Drones")
    claim(ruth.page)

    ruth.page.keyboard.press("Escape")
    ruth.page.get_by_text("Ask for a document…").click()
    ruth.check_page()
    ruth.page.get_by_role("button", name="Ask for a document", exact=True).click()

    expect(ruth.page.get_by_role("link", name="Which document: Fill this in")).to_be_visible()
    ruth.check_page()


def test_a_text_is_shown_as_it_will_look(enter):
    edda = enter("edda")
    open_task(edda, "The new app")
    claim(edda.page)
    edda.page.get_by_label("Letter").fill("# Hello\n\nIt is *here*.")

    edda.page.get_by_text("How it will look").click()

    expect(edda.page.locator("#preview em")).to_have_text("here")
    edda.check_page()


def test_two_who_look_at_the_same_task_see_each_other(enter):
    ravi, ruth = enter("ravi"), enter("ruth")
    open_task(ravi, "Nordlicht")
    expect(ravi.page.locator("#pulse")).to_be_attached()
    with ravi.page.expect_response("**/pulse"):
        pass
    open_task(ruth, "Nordlicht")

    expect(ruth.page.get_by_text("Also here: Ravi")).to_be_visible()
    ruth.check_page()


def test_who_loses_a_task_while_typing_is_told_and_finds_the_text_again(enter):
    ruth, lena = enter("ruth"), enter("lena")
    open_task(ruth, "Solaris Import")
    claim(ruth.page)
    ruth.page.get_by_label("Note for the file").fill("The turnover has doubled.")
    expect(ruth.page.locator("#draft-saved")).to_contain_text("Saved")
    open_task(lena, "Solaris Import")
    lena.page.get_by_text("More", exact=True).click()
    lena.page.get_by_role("link", name="Assign it…").click()
    dialog = lena.page.get_by_role("dialog")
    dialog.get_by_label("To whom").select_option(label="Ravi")
    dialog.get_by_role("button", name="Assign").click()
    expect(lena.page.get_by_role("dialog")).to_have_count(0)

    expect(ruth.page.get_by_text("You no longer hold this task")).to_be_visible(timeout=40_000)
    expect(ruth.page.get_by_text("Ravi has held it since")).to_be_visible()
    ruth.check_page()
    ruth.page.get_by_role("link", name="Show it as it is now").click()

    expect(ruth.page.get_by_role("heading", name="Your answers, not sent")).to_be_visible()
    expect(ruth.page.locator("#kept")).to_contain_text("The turnover has doubled.")
    ruth.check_page()
