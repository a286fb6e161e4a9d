"""A few documents for `make demo`."""

from __future__ import annotations

from pydantic import HttpUrl

from examples.documents.workflows import Batch, Document, import_documents, summarize

TEAMS = ("content-team",)
ARCHIVE = "https://archive.example/minutes"


def seed() -> None:
    """Start what is not there yet."""
    for year in (2024, 2025):
        summarize.start(Document(doc_url=HttpUrl(f"{ARCHIVE}/{year}")), initiator="archive")
    urls = [HttpUrl(f"{ARCHIVE}/{year}") for year in range(2010, 2022)]
    import_documents.start(Batch(urls=urls), idempotency_key="demo-import", initiator="archive")
