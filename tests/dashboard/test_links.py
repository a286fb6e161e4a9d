"""Every address that a page names is there, for whoever sees the page."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.staticfiles import finders
from django.test import Client

from humantasks import human_task, inbox
from humantasks.models import HumanTask
from orchestrator import Context, Retry, workflow
from orchestrator.testing.runs import Runs
from tests.dashboard.conftest import Member

# What a page asks for by itself, or when somebody clicks; forms that are sent are left out.
NAMES = ("href", "src", "hx-get")
ROLES = ["Operator", "Admin", "Reviewer"]


class Addresses(HTMLParser):
    """The addresses in a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in NAMES and value]
        given = dict(attrs)
        if tag == "form" and given.get("method", "get") == "get" and given.get("action"):
            self.found.append(str(given["action"]))


def crawl(browser: Client, start: str) -> Iterator[tuple[str, int, str]]:
    """Each address that is named on a page that is reached from `start`: it, its status, and where.

    Of addresses with one path those that name a parameter which none before them has named.
    """
    ahead, known = [(start, "")], dict[str, set[str]]()
    while ahead:
        address, page = ahead.pop()
        parts = urlsplit(address)
        names = {name for name, _ in parse_qsl(parts.query)}
        is_known = parts.path in known and names <= known[parts.path]
        if parts.netloc or parts.path.startswith("/admin/") or is_known:
            continue
        known.setdefault(parts.path, set()).update(names)
        if parts.path.startswith(settings.STATIC_URL):
            found = finders.find(parts.path.removeprefix(settings.STATIC_URL))
            yield address, 200 if found else 404, page
            continue
        response = browser.get(address)
        yield address, response.status_code, page
        if response.headers.get("Location"):
            ahead.append((urljoin(address, response.headers["Location"]), address))
        elif response.headers.get("Content-Type", "").startswith("text/html"):
            named = Addresses(response.content.decode()).found
            ahead += [(urljoin(address, one), address) for one in named]


async def ends(ctx: Context, number: int) -> int:
    return await ctx.step("add", int, number)


async def fails(ctx: Context) -> None:
    await ctx.step("before", dict)
    await ctx.step("parse", int, "x", retry=Retry(max_attempts=1))


async def retries(ctx: Context) -> None:
    await ctx.step("parse", int, "x", retry=Retry(initial_delay="1h", max_delay="1h"))


async def waits(ctx: Context) -> None:
    await ctx.wait_for_event("signed", key="d-1", timeout="5d")


async def sleeps(ctx: Context) -> None:
    await ctx.sleep("30d")


async def asks(ctx: Context) -> None:
    await human_task(ctx, "check", title="Check it", assign_to="reviewers")


async def has_child(ctx: Context) -> None:
    await ctx.start_child("waits")


@pytest.fixture
def everything(runs: Runs) -> None:
    """Runs in every state that pages tell apart, and three tasks."""
    Group.objects.create(name="reviewers")
    made = {
        name: workflow(name=name)(body)
        for name, body in (
            ("ends", ends),
            ("fails", fails),
            ("retries", retries),
            ("waits", waits),
            ("sleeps", sleeps),
            ("asks", asks),
            ("has/child", has_child),
        )
    }
    for name in ("fails", "retries", "waits", "sleeps", "asks", "asks", "asks", "has/child"):
        runs.start(made[name])
    runs.start(made["ends"], 3)
    runs.start(made["ends"], 4, delay="1d")
    runs.start(made["waits"]).cancel("enough")
    runs.start(made["sleeps"]).pause()


def visitor(user: User) -> Client:
    """In the team, with one task of three claimed and one done."""
    user.groups.add(Group.objects.get(name="reviewers"))
    mine, done, _free = HumanTask.objects.order_by("pk")
    inbox.claim(mine, user=user)
    inbox.complete(inbox.claim(done, user=user), user=user, outcome="approve")
    browser = Client()
    browser.force_login(user)
    return browser


@pytest.mark.parametrize("role", ROLES)
def test_every_address_on_every_page_is_there(role: str, everything: None, member: Member) -> None:
    found = list(crawl(visitor(member(role)), "/"))

    dead = [one for one in found if one[1] >= 400]
    assert dead == []
    # And the crawler got around.
    assert len(found) > (15 if role == "Reviewer" else 60)


def test_a_dead_link_is_found(operator: Client) -> None:
    page = '<a href="/nowhere/">x</a><form action="/none/"></form><form method="post" action="/p/">'

    assert Addresses(page).found == ["/nowhere/", "/none/"]
    assert next(crawl(operator, "/nowhere/")) == ("/nowhere/", 404, "")
