"""What somebody changed in a text."""

from __future__ import annotations

import pytest

from humantasks import diffs
from humantasks.diffs import Piece


def pieces(before, after):
    found = diffs.changes(before, after).paragraphs
    return [(piece.kind, piece.text) for one in found for piece in one.pieces]


def test_words_that_changed_stand_beside_those_that_did_not():
    assert pieces("the red fox", "the brown fox ran") == [
        ("same", "the "),
        ("removed", "red"),
        ("added", "brown"),
        ("same", " fox"),
        ("added", " ran"),
    ]


def test_what_is_as_it_was_is_folded():
    text = "one\n\ntwo\n\nthree\n\nfour"

    found = diffs.changes(text, text.replace("three", "tree")).paragraphs

    assert [one.folded for one in found] == [2, 0, 1]
    assert found[1].pieces == (Piece("removed", "three"), Piece("added", "tree"))


def test_paragraphs_come_and_go():
    assert pieces("a\nb", "a\nb\nc") == [("added", "c")]
    assert pieces("a\nb\nc", "a\nc") == [("removed", "b")]


def test_words_are_counted():
    found = diffs.changes("a b c", "a x y c")

    assert (found.added, found.removed, found.is_empty) == (2, 1, False)
    assert diffs.changes("a b", "a b").is_empty
    assert diffs.count("It's a well-known fact, isn't it?") == 6


def test_a_huge_paragraph_is_compared_as_a_whole():
    old, new = "a " * diffs.MOST_WORDS, "b " * diffs.MOST_WORDS

    assert [kind for kind, _text in pieces(old, new)] == ["removed", "added"]


@pytest.mark.parametrize(
    ("after", "ratio"), [("one two three four", 0.0), ("", 1.0), ("one two tree four", 0.1429)]
)
def test_the_workflow_gets_how_much_was_edited(after, ratio):
    found = diffs.edits("one two three four", after)

    assert found["change_ratio"] == ratio
    assert found["unchanged"] is (ratio == 0.0)
    assert len(found["base_digest"]) == 64


def test_the_workflow_gets_a_diff_by_lines():
    assert diffs.edits("a\nb", "a\nc")["unified"].splitlines()[-3:] == [" a", "-b", "+c"]
