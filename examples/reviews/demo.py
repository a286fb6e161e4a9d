"""A day's worth of work for the reviewers of `make demo`. Some of it has been begun."""

from __future__ import annotations

from examples.reviews.day import Act, play
from examples.reviews.kinds import Complaint, LetterBrief, Papers, Payment, Renewal, Statement
from examples.reviews.workflows import (
    Case,
    Draft,
    renew,
    screen,
    settle,
    write_newsletter,
)
from humantasks.asking import Priority

TEAMS = ("compliance-team", "content-team")


def _case(
    customer: str, name: str, turnover: int, priority: Priority, due: str, *, read: str = ""
) -> Case:
    """A customer whose papers fit; `read` is what the scanner took for the address."""
    papers = Papers(
        name=name,
        born=f"{1950 + turnover % 50}-04-{10 + turnover % 18}",
        passport=f"C{turnover * 7919 % 10**8:08}",
        address=f"{turnover % 90 + 1} Harbour Street",
    )
    extracted = papers.model_copy(update={"address": read or papers.address})
    renewal = Renewal(
        customer=customer,
        since=2012 + turnover % 12,
        turnover=turnover,
        declared=papers,
        extracted=extracted,
    )
    return Case(renewal=renewal, priority=priority, due=due)


CASES = (
    _case("Nordlicht Reederei", "Henrike Sommer", 1_840_000, "urgent", "2h"),
    _case("Café Azul", "Joana Prado", 96_400, "normal", "5h", read="17 Harbor St"),
    _case("Bergbahn Sarn", "Urs Caflisch", 612_000, "high", "8h"),
    _case("Atelier Fontaine", "Margaux Fontaine", 48_200, "normal", "1d"),
    _case("Kestrel Drones", "Oona Byrne", 2_310_000, "high", "4h", read="11 Harbour Street"),
    _case("Tulpenhof", "Sanne Visser", 77_900, "low", "5d"),
    _case("Hansen & Datter", "Liv Hansen", 154_000, "normal", "2d"),
    _case("Brennerei Moll", "Kurt Moll", 233_100, "normal", "1d"),
    _case("Solaris Import", "Ilias Pappas", 3_480_000, "high", "6h"),
    _case("Vinyl & Co", "Ben Achterberg", 21_700, "low", "3d"),
)

_COUNTRIES = ("DE", "NL", "PT", "CH", "TR", "AE", "SG")
_PURPOSES = ("Invoice", "Salary", "Freight", "Licence", "Deposit")


def _statement(number: int, holder: str, count: int) -> Statement:
    return Statement(
        account=f"DE {number}",
        holder=holder,
        payments=[
            Payment(
                id=f"P-{number}-{row:03}",
                to=f"Payee {row * 31 % 97}",
                country=_COUNTRIES[row * row % 7],
                amount=50 + row * 3_571 % 9_000,
                purpose=f"{_PURPOSES[row % 5]} {row}",
            )
            for row in range(1, count + 1)
        ],
    )


STATEMENTS = (_statement(4711, "Nordlicht Reederei", 12), _statement(1291, "Solaris Import", 220))

LETTERS = (
    Draft(
        brief=LetterBrief(topic="The new app", readers="all customers"),
        text="# The new app is here\n\nDear customer,\n\nour **new app** opens an account in "
        "four minutes. You need:\n\n* a passport\n* a telephone\n\nIt costs nothing. "
        "[Read more](https://example.org/app).\n\nYours, the bank",
    ),
    Draft(
        brief=LetterBrief(topic="Fees from January", readers="business customers", tone="plain"),
        text="# Fees from January\n\nFrom January a transfer costs 0.08 EUR, and 0.10 EUR on "
        "paper.\n\n| what | now | then |\n|---|---|---|\n| online | 0.05 | 0.08 |\n"
        "| on paper | 0.09 | 0.10 |\n\nNothing else changes.",
    ),
)

COMPLAINTS = (
    Complaint(customer="Rosa Lindt", says="I was charged twice for one card, and nobody called."),
    Complaint(customer="Emil Ostrow", says="The branch was closed at noon, against the sign."),
)

ACTS = (
    Act(who="ravi", does="approve", about="Tulpenhof", text="A quiet customer of many years."),
    Act(who="ruth", does="approve", about="Vinyl & Co", text="Nothing has changed."),
    Act(who="ruth", does="reject", about="Brennerei Moll", text="Cash from nowhere, twice."),
    Act(who="ravi", does="begin", about="Bergbahn Sarn", text="The seal on page 2 looks new."),
    Act(who="ravi", does="attach", about="Bergbahn Sarn", text="passport-caflisch.png"),
    Act(who="lena", does="comment", about="Bergbahn Sarn", text="Compare it with last year's."),
    Act(who="ruth", does="ask", about="Hansen & Datter", text="Is Liv Hansen still the owner?"),
    Act(who="ravi", does="put-aside", about="Atelier Fontaine"),
    Act(who="lena", does="attach", about="Kestrel Drones", text="passport-byrne.png"),
    Act(who="lena", does="comment", about="Kestrel Drones", text="The address differs: why?"),
    Act(who="lena", does="hurry", about="Solaris Import"),
    Act(who="edda", does="claim", about="Fees from January"),
)


def seed() -> None:
    """Start what is not there yet."""
    for case in CASES:
        renew.start(case, initiator="core-bank")
    for statement in STATEMENTS:
        screen.start(statement, initiator="core-bank")
    for letter in LETTERS:
        write_newsletter.start(letter, initiator="newsroom")
    for complaint in COMPLAINTS:
        settle.start(complaint, initiator="call-centre")
    play.start(list(ACTS), initiator="demo")
