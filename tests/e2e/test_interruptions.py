"""What comes between a person and the work: messages, impatience, a session that has ended."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import Person
from tests.e2e.steps import claim, fill_in, open_task

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

WIDTHS = [320, 768, 1280]

# What can be pressed on a page, each with what stands in the middle of it.
PARTS = """
  const parts = [...document.querySelectorAll("main :is(a[href], button, input, textarea)")]
    .filter((part) => part.checkVisibility())
    .map((part) => [part, part.getBoundingClientRect()])
    .map(([part, at]) => [part, at.x + at.width / 2, at.y + at.height / 2])
    .map(([part, x, y]) => [part, document.elementFromPoint(x, y)]);
  const isUnder = ([part, top]) => top?.closest(".toast");
"""
COVERED = f"() => {{ {PARTS} return parts.filter(isUnder).map(([part]) => part.outerHTML); }}"
# How many of those that could be pressed when it was asked first are covered now.
LOST = f"""() => {{ {PARTS}
  window.seen ??= parts.filter(([part, top]) => part.contains(top)).map(([part]) => part);
  return parts.filter(isUnder).filter(([part]) => window.seen.includes(part)).length;
}}"""


# The second time while the first is on its way.
TWICE = """(button) => {
  button.click();
  setTimeout(() => button.click(), 200);
}"""


def toast(page: Page, text: str) -> None:
    detail = f"{{ detail: {{ text: {text!r}, level: 'warning' }} }}"
    page.evaluate(f"document.dispatchEvent(new CustomEvent('toast', {detail}))")
    expect(page.locator(".toast").filter(has_text=text)).to_be_visible()


def hold(page: Page, address: str) -> list[Route]:
    """The requests to this address, which wait from now on until they are continued."""
    held: list[Route] = []

    def keep(route: Route) -> None:
        held.append(route)

    page.route(address, keep)
    return held


def fill_in_start(person: Person) -> None:
    person.go("/ops/workflows/enrich-customer/start/")
    person.page.get_by_label("Input").fill('{"name": "Ada", "email": "ada@example.org"}')


# ---- messages ------------------------------------------------------------------------


@pytest.mark.parametrize("width", WIDTHS)
def test_a_message_covers_nothing_that_can_be_pressed(enter, width):
    ravi = enter("ravi", viewport={"width": width, "height": 640})
    open_task(ravi, "Hafenrost")
    claim(ravi.page)
    expect(ravi.page.locator(".toast")).to_contain_text("Claimed")

    assert ravi.page.evaluate(COVERED) == []
    ravi.page.evaluate("scrollTo(0, 0)")
    assert ravi.page.evaluate(COVERED) == []
    ravi.page.get_by_role("button", name="Give back").click()
    expect(ravi.page.locator(".toast")).to_contain_text("Given back")
    assert ravi.page.evaluate(COVERED) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_a_message_moves_a_scrolled_page_out_of_its_way(enter, width):
    omar = enter("omar", viewport={"width": width, "height": 320})
    omar.go("/ops/runs/")
    # An action stands right under the top bar.
    link = omar.page.locator("main .row-link").nth(4)
    link.evaluate("(part) => scrollBy(0, part.getBoundingClientRect().top - 56)")
    omar.page.evaluate(LOST)

    toast(omar.page, "The run is cancelled")

    assert omar.page.evaluate(LOST) == 0


def test_a_message_is_announced_once_and_can_be_closed(enter):
    ravi = enter("ravi")
    ravi.go("/inbox/")

    toast(ravi.page, "Draft saved")

    expect(ravi.page.locator("#live-region")).to_have_text("Draft saved")
    ravi.page.get_by_role("button", name="Dismiss").click()
    expect(ravi.page.locator(".toast")).to_have_count(0)


def test_a_message_waits_for_who_reads_it(enter):
    ravi = enter("ravi")
    ravi.page.clock.install()
    ravi.go("/inbox/")
    toast(ravi.page, "Draft saved")

    ravi.page.locator(".toast").hover()
    ravi.page.clock.run_for(9_000)
    expect(ravi.page.locator(".toast")).to_be_visible()
    ravi.page.mouse.move(600, 10)
    ravi.page.clock.run_for(9_000)

    expect(ravi.page.locator(".toast")).to_have_count(0)


def test_at_the_top_of_a_narrow_page_a_message_stays_until_nothing_moves_by_its_going(enter):
    ravi = enter("ravi", viewport={"width": 320, "height": 480})
    ravi.page.clock.install()
    open_task(ravi, "Hafenrost")
    toast(ravi.page, "Draft saved")

    ravi.page.clock.run_for(9_000)
    expect(ravi.page.locator(".toast")).to_be_visible()
    ravi.page.evaluate("scrollTo(0, 300)")
    ravi.page.clock.run_for(9_000)

    expect(ravi.page.locator(".toast")).to_have_count(0)


def test_without_javascript_a_message_is_part_of_the_page(enter):
    omar = enter("omar", java_script_enabled=False)
    fill_in_start(omar)
    omar.page.get_by_role("button", name="Start").click()

    message = omar.page.get_by_text("The run has been started")
    expect(message).to_be_visible()
    expect(omar.page.get_by_role("button", name="Dismiss")).to_have_count(0)
    assert message.bounding_box()["x"] > 212  # beside the navigation, above the page


# ---- impatience ----------------------------------------------------------------------


def test_whatever_is_pressed_while_a_form_is_sent_it_is_sent_once(enter):
    ruth = enter("ruth")
    open_task(ruth, "Almwerk")
    claim(ruth.page)
    fill_in(ruth.page)
    held = hold(ruth.page, "**/complete")

    approve = ruth.page.get_by_role("button", name="Approve")
    approve.dblclick()
    ruth.page.get_by_role("button", name="Reject").click()
    ruth.page.get_by_role("textbox", name="Comment (optional)").press("Control+Enter")
    expect(ruth.page.locator("#decision")).to_have_attribute("aria-busy", "true")
    assert len(held) == 1
    assert ruth.page.evaluate("document.activeElement.name") == "comment"
    held[0].continue_()

    expect(ruth.page.locator("#decide")).to_contain_text("Approve")
    assert len(held) == 1


def test_a_form_that_was_not_answered_can_be_sent_again(enter):
    omar = enter("omar")
    fill_in_start(omar)
    omar.page.route("**/runs/", lambda route: route.abort(), times=1)

    omar.page.get_by_role("button", name="Start").click()
    expect(omar.page.locator(".toast")).to_contain_text("The server did not answer")
    omar.page.get_by_role("button", name="Start").click()

    expect(omar.page.get_by_role("navigation", name="About this run")).to_be_visible()


def test_a_page_without_htmx_sends_a_form_once_too(enter):
    stranger = enter()
    stranger.go("/accounts/login/")
    stranger.page.get_by_label("Username").fill("nobody")
    stranger.page.get_by_label("Password").fill("nothing")
    held = hold(stranger.page, "**/login/")

    stranger.page.get_by_role("button", name="Log in").evaluate(TWICE)
    stranger.page.wait_for_timeout(500)

    assert len(held) == 1
    held[0].continue_()
    expect(stranger.page.get_by_role("alert")).to_contain_text("There is a problem")


# ---- a session that has ended --------------------------------------------------------


def end_session(page: Page) -> None:
    page.context.clear_cookies(name="session")


def test_who_logs_in_again_goes_on_with_what_was_typed(enter):
    ruth = enter("ruth")
    open_task(ruth, "Solmar")
    claim(ruth.page)
    fill_in(ruth.page)
    end_session(ruth.page)
    ruth.page.get_by_label("Note for the file").fill("seen his passport")
    # The draft that is saved meanwhile may have opened the dialog: so not by the mouse.
    ruth.page.get_by_role("button", name="Approve").evaluate("(button) => button.click()")

    dialog = ruth.page.get_by_role("dialog", name="Your session has ended")
    expect(dialog.get_by_label("Username")).to_have_value("ruth")
    expect(dialog.get_by_label("Password")).to_be_focused()
    ruth.check_page()
    dialog.get_by_label("Password").fill("wrong")
    dialog.get_by_role("button", name="Log in").click()
    expect(dialog.get_by_role("alert")).to_contain_text("There is a problem")
    dialog.get_by_label("Password").fill(ruth.password)
    dialog.get_by_role("button", name="Log in").click()
    expect(dialog).to_be_hidden()

    expect(ruth.page.locator(".toast")).to_contain_text("You are logged in again")
    expect(ruth.page.get_by_label("Note for the file")).to_have_value("seen his passport")
    # The draft is saved without another key being pressed.
    expect(ruth.page.locator("#draft-saved")).to_contain_text("Saved")
    ruth.page.get_by_role("button", name="Approve").click()
    expect(ruth.page.locator("#decide")).to_contain_text("seen his passport")
    ruth.check_page()


def test_a_page_that_only_lies_open_says_so_too(enter):
    omar = enter("omar")
    omar.go("/ops/")
    end_session(omar.page)

    dialog = omar.page.get_by_role("dialog", name="Your session has ended")
    expect(dialog).to_be_visible()
    omar.page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Password").fill(omar.password)
    dialog.get_by_role("button", name="Log in").click()

    expect(dialog).to_be_hidden()
    assert omar.page.url.endswith("/ops/")
    expect(omar.page.get_by_role("heading", level=1)).to_have_text("Overview")


def test_who_logs_in_as_somebody_else_sees_nothing_of_the_first(enter, demo):
    ruth = enter("ruth")
    ruth.go("/inbox/")
    end_session(ruth.page)

    dialog = ruth.page.get_by_role("dialog", name="Your session has ended")
    dialog.get_by_label("Username").fill("omar")
    dialog.get_by_label("Password").fill(demo.passwords["omar"])
    dialog.get_by_role("button", name="Log in").click()

    expect(ruth.page.locator("body")).not_to_have_attribute("data-user", "", timeout=1)
    expect(ruth.page.get_by_role("heading", name="Operations")).to_be_visible()


def test_who_logs_in_in_another_window_goes_on_in_this_one(enter):
    ruth = enter("ruth")
    ruth.go("/inbox/")
    state = ruth.page.context.cookies()
    end_session(ruth.page)
    dialog = ruth.page.get_by_role("dialog", name="Your session has ended")
    expect(dialog.get_by_label("Password")).to_be_focused()

    ruth.page.context.add_cookies(state)
    ruth.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    expect(dialog).to_be_hidden()
