"""A text in Markdown as HTML that is safe to show, whoever wrote it."""

from __future__ import annotations

import nh3
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt

# A longer text is shown as far as this.
MOST_LETTERS = 200_000
# The page's own headings come before those of the text.
_BELOW = 2
_LOWEST = 6

# HTML in the text is text. What the reader makes of the rest is cleaned all the same.
_READER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_TAGS = {
    *("h3", "h4", "h5", "h6", "p", "br", "hr", "blockquote", "pre", "ul", "ol", "li"),
    *("em", "strong", "s", "code", "a"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_SCHEMES = {"http", "https", "mailto"}


def rendered(text: str) -> SafeString:
    """The text as headings, paragraphs, lists, tables and links; pictures are left out."""
    tokens = _READER.parse(text[:MOST_LETTERS])
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1:]) + _BELOW, _LOWEST)}"
    html = _READER.renderer.render(tokens, _READER.options, {})
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )
    return SafeString(clean)
