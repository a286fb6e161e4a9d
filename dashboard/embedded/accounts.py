"""The accounts of the demo. Their passwords are made at the first start and kept in var/."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.utils.crypto import salted_hmac

from humantasks import inbox

FILE = "demo-passwords.json"

_SYLLABLES = [first + second for first in "bdfghklmnprstvz" for second in "aeiou"]


@dataclass(frozen=True, slots=True)
class Account:
    username: str
    name: str
    role: str
    groups: tuple[str, ...]
    is_admin: bool = False
    leads: tuple[str, ...] = ()


ACCOUNTS = (
    Account("ruth", "Ruth", "reviewer", ("compliance-team",)),
    Account("ravi", "Ravi", "reviewer", ("compliance-team",)),
    Account("edda", "Edda", "editor", ("content-team",)),
    Account(
        "lena",
        "Lena",
        "lead",
        ("compliance-team", "content-team", "Viewer"),
        leads=("compliance-team", "content-team"),
    ),
    Account("omar", "Omar", "operator", ("Operator",)),
    Account("ada", "Ada", "admin", ("Admin", "Operator"), is_admin=True),
)


def ensure(var_dir: Path) -> Iterator[tuple[Account, str]]:
    """Make the accounts that are missing. Yields each with its password."""
    passwords = _passwords(var_dir / FILE)
    for account in ACCOUNTS:
        password = passwords[account.username]
        user, _is_new = User.objects.get_or_create(
            username=account.username,
            defaults={
                "first_name": account.name,
                "email": f"{account.username}@demo.example",
                "is_staff": account.is_admin,
                "is_superuser": account.is_admin,
            },
        )
        # A password that was changed on the page is set back: what is printed must be true.
        salt = _salt(password)
        if salt not in user.password.split("$"):
            user.password = make_password(password, salt)
            user.save(update_fields=["password"])
        user.groups.add(*(Group.objects.get_or_create(name=name)[0] for name in account.groups))
        for group in Group.objects.filter(name__in=account.leads):
            inbox.make_lead(group, user)
        yield account, password


def _passwords(path: Path) -> dict[str, str]:
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = {one.username: _password() for one in ACCOUNTS if one.username not in known}
    if missing:
        known |= missing
        path.touch(mode=0o600)
        path.write_text(json.dumps(known, indent=1))
    return known


def _salt(password: str) -> str:
    """The salt of the stored password. It tells whether that is still this one, at once.

    To check the password itself takes half a second for each account, on purpose.
    """
    return salted_hmac("demo", password).hexdigest()[:32]


def _password() -> str:
    words = ("".join(secrets.choice(_SYLLABLES) for _ in range(3)) for _ in range(3))
    return "-".join(words)
