"""A schema, a condition, look-ups side by side, and one function for two versions."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta

from pydantic import BaseModel, Field, HttpUrl

from examples.services import call
from humantasks import human_task
from orchestrator import Context, Retry, workflow
from orchestrator.ai import generate


class Document(BaseModel):
    doc_url: HttpUrl
    language: str = Field(default="en", min_length=2, max_length=2)


class Summary(BaseModel):
    text: str = Field(min_length=1)
    needs_review: bool


class Correction(BaseModel):
    text: str = Field("", title="A better summary", max_length=2000)


def fetch(url: str) -> str:
    """The text behind an address: made up here, so that the example needs no network."""
    call(0.5, fails=0.2, error="the host did not answer")
    return f"Minutes of the meeting {hashlib.sha256(url.encode()).hexdigest()[:8]}."


@workflow(name="summarize-document", idempotency_key="summary-{doc_url}-{language}")
async def summarize(ctx: Context[Document], document: Document) -> str:
    """A model summarises; a person looks at it only when the model is in doubt."""
    text = await ctx.step(
        "fetch",
        fetch,
        str(document.doc_url),
        retry=Retry(max_attempts=3, backoff="exponential", initial_delay="1s", max_delay="30s"),
        timeout="30s",
        idempotency_key=f"fetch-{document.doc_url}",
    )
    ctx.set_attributes(language=document.language)
    took = ctx.steps["fetch"].duration or timedelta(0)
    ctx.logger.info("Fetched", seconds=took.total_seconds(), attempts=ctx.steps["fetch"].attempts)
    summary = await generate(
        ctx, "analyze", prompt="Summarise this document.", input=text, output=Summary
    )
    if summary.needs_review:
        review = await human_task(
            ctx,
            "human-review",
            type="summary-review",
            assign_to="content-team",
            data={"document": str(document.doc_url), "summary": summary.text},
            form=Correction,
            timeout="7d",
        )
        if review.data and review.data.text:
            return review.data.text
    return summary.text


class Batch(BaseModel):
    urls: list[HttpUrl] = Field(min_length=1, max_length=100)


def store(url: str, text: str) -> int:
    call(0.1)
    return len(text)


@workflow(name="import-documents", version="v1")
@workflow(name="import-documents", version="v2")
async def import_documents(ctx: Context[Batch], batch: Batch) -> int:
    """All of them side by side. Version v2 counts words too; runs of v1 go on as they began."""
    done = 0

    async def one(url: str) -> int:
        nonlocal done
        text = await ctx.step(f"fetch {url}", fetch, url)
        size = await ctx.step(f"store {url}", store, url, text)
        done += 1
        ctx.set_progress(done / len(batch.urls), f"{done} of {len(batch.urls)} documents")
        return size

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(str(url))) for url in batch.urls]
    sizes = [task.result() for task in tasks]
    if ctx.version == "v2":
        return await ctx.step("total", sum, sizes)
    return len(sizes)
