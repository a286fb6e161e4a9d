"""A model drafts, an editor judges, a model polishes, and the article is published once."""

from __future__ import annotations

from pydantic import BaseModel, Field

from examples.content.models import Article
from humantasks import human_task
from orchestrator import Context, workflow
from orchestrator.ai import generate


class Brief(BaseModel):
    topic: str = Field(min_length=3, max_length=120)
    audience: str = Field(default="everybody", max_length=80)
    words: int = Field(default=400, ge=50, le=3000, title="Length in words")


class Draft(BaseModel):
    title: str = Field(min_length=3, max_length=120)
    body: str = Field(min_length=20)


class Review(BaseModel):
    """What an editor fills in: the text itself, and what is left to the model."""

    text: str = Field(title="Article", min_length=20, json_schema_extra={"widget": "editor"})
    feedback: str = Field("", title="What to polish", max_length=4000)
    facts_checked: bool = Field(False, title="Facts checked")


class Published(BaseModel):
    article_id: int | None
    title: str
    reviewed_by: str | None


def search_archive(topic: str) -> list[str]:
    """Titles of what has been published on a topic."""
    found = Article.objects.filter(title__icontains=topic).order_by("-published_at")
    return list(found.values_list("title", flat=True)[:5])


def publish(draft: Draft) -> int:
    """An atomic step: the article and the record of the step commit together."""
    return Article.objects.create(title=draft.title, body=draft.body).pk


@workflow(name="content-creation", idempotency_key="content-{topic}")
async def create_content(ctx: Context[Brief], brief: Brief) -> Published:
    """Draft, review, polish, publish. What the editor rejects is not published."""
    draft = await generate(
        ctx,
        "generate-draft",
        type="agentic",
        prompt="Write an article for this brief. See what the archive has on the topic first.",
        input=brief,
        output=Draft,
        tools=[search_archive],
    )
    reviewed = await human_task(
        ctx,
        "human-review",
        type="content-review",
        title=f"Review: {brief.topic}",
        assign_to="content-team",
        data={"title": draft.title, "brief": brief, "draft": draft.body},
        ui="content-editor",
        form=Review,
        initial={"text": draft.body},
        due="2d",
    )
    if not reviewed.approved:
        return Published(article_id=None, title=draft.title, reviewed_by=reviewed.completed_by)
    if reviewed.data:
        draft = Draft(title=draft.title, body=reviewed.data.text)
    if reviewed.data and reviewed.data.feedback:
        draft = await generate(
            ctx,
            "polish",
            prompt="Polish the article as the editor says. Change nothing else.",
            input={"article": draft, "feedback": reviewed.data.feedback},
            output=Draft,
        )
    article_id = await ctx.step("publish", publish, draft, atomic=True)
    return Published(article_id=article_id, title=draft.title, reviewed_by=reviewed.completed_by)
