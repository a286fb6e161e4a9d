"""A text in Markdown is shown as it will look, and nothing in it can do anything."""

from __future__ import annotations

import pytest
from django.urls import reverse
from pydantic import BaseModel, Field

from humantasks import inbox
from humantasks.markdown import rendered
from tests.humantasks.test_editing import Polished

HTMX = {"HX-Request": "true"}


class Article(BaseModel):
    text: str = Field(title="Article", json_schema_extra={"widget": "markdown"})


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# Bees", "<h3>Bees</h3>\n"),
        ("###### Bees", "<h6>Bees</h6>\n"),
        ("**so** *much*", "<p><strong>so</strong> <em>much</em></p>\n"),
        ("1. a\n2. b", "<ol>\n<li>a</li>\n<li>b</li>\n</ol>\n"),
        (
            "[a](https://example.org)",
            '<p><a href="https://example.org" rel="noopener noreferrer nofollow">a</a></p>\n',
        ),
    ],
)
def test_it_looks_like_a_text(text, html):
    assert rendered(text) == html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![a picture](https://example.org/seen.png)",
        "[a](javascript:alert(1))",
        "[a](data:text/html,hello)",
        '[a](https://example.org "title" onclick=alert(1))',
        "<a href='https://example.org' style='position:fixed'>a</a>",
        "<iframe src=//example.org></iframe>",
        "<https://example.org/?a=%3Cscript%3E>",
    ],
)
def test_nothing_in_it_runs_loads_or_hides(text):
    html = rendered(text)

    for tag in ("<script", "<img", "<iframe", "<style"):
        assert tag not in html
    for mark in ('href="javascript', 'href="data', 'onclick="', 'style="'):
        assert mark not in html


@pytest.fixture
def mine(ask, alice):
    task = ask(form=Article, initial={"text": "# Bees\n\nThey *hum*."}, ui="content-editor")
    return inbox.claim(task, user=alice)


@pytest.fixture
def preview(client, mine, alice):
    def do(text, **headers):
        client.force_login(alice)
        url = reverse("humantasks:preview", args=[mine.pk])
        return client.post(url, {"data.text": text, "comment": "fine"}, headers=headers)

    return do


def test_the_editor_shows_how_it_will_look(preview):
    text = preview("They <b>*buzz*</b>.", **HTMX).content.decode()

    assert "<html" not in text
    assert "They &lt;b&gt;<em>buzz</em>&lt;/b&gt;." in text


def test_without_a_script_the_page_comes_again_with_it_and_with_what_was_typed(preview):
    text = preview("They *buzz*.").content.decode()

    assert 'id="previewed" open' in text
    assert "<em>buzz</em>" in text
    assert "They *buzz*.</textarea>" in text
    assert "fine</textarea>" in text


def test_a_plain_text_has_no_preview(client, ask, alice):
    task = inbox.claim(ask(form=Polished, ui="content-editor"), user=alice)
    client.force_login(alice)

    text = client.get(reverse("humantasks:task", args=[task.pk])).content.decode()

    assert "How it will look" not in text
