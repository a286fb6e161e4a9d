"""Next mode takes whatever is most urgent: a demo of its own, which nobody else works in."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.steps import open_task

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_next_mode_by_keyboard_alone(enter):
    ruth = enter("ruth")
    open_task(ruth, "Hafenrost")
    ruth.go("/inbox/queue/?type=kyc-review")
    ruth.check_page()

    ruth.page.keyboard.press("n")
    expect(ruth.page.get_by_text("left")).to_be_visible()
    first = ruth.page.get_by_role("heading", level=1).inner_text()
    ruth.check_page()
    ruth.page.get_by_label("Low", exact=True).focus()
    ruth.page.keyboard.press("Space")
    ruth.page.get_by_label("Sanctions list checked").focus()
    ruth.page.keyboard.press("Space")
    ruth.page.keyboard.press("Control+Enter")

    expect(ruth.page.get_by_role("heading", level=1)).not_to_have_text(first)
    # With what the demo has played her doing in the morning.
    done = re.compile(r"[1-3] done today")
    expect(ruth.page.get_by_role("navigation", name="Next mode")).to_contain_text(done)
    expect(ruth.page.get_by_role("button", name="Give back")).to_be_visible()
