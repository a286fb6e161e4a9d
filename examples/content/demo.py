"""A few briefs for `make demo`."""

from __future__ import annotations

from examples.content.workflows import Brief, create_content

TEAMS = ("content-team",)

BRIEFS = (
    Brief(topic="Bees in the city", audience="neighbours", words=300),
    Brief(topic="How a ferry timetable is made", audience="commuters"),
    Brief(topic="Repairing instead of buying", words=600),
)


def seed() -> None:
    """Start what is not there yet."""
    for brief in BRIEFS:
        create_content.start(brief, initiator="newsroom")
