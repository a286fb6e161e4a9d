"""The accounts of the demo: what is printed is true, and a second start is quick."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User

from dashboard.embedded import accounts

pytestmark = pytest.mark.django_db


def printed(var_dir: Path) -> dict[str, str]:
    return {account.username: password for account, password in accounts.ensure(var_dir)}


def test_the_printed_passwords_are_true_and_stay_the_same(tmp_path: Path) -> None:
    first = printed(tmp_path)

    assert printed(tmp_path) == first
    assert all(User.objects.get(username=name).check_password(first[name]) for name in first)


def test_a_password_that_was_changed_is_set_back(tmp_path: Path) -> None:
    first = printed(tmp_path)
    ruth = User.objects.get(username="ruth")
    ruth.set_password("harbour-window-17")
    ruth.save()

    printed(tmp_path)

    ruth.refresh_from_db()
    assert ruth.check_password(first["ruth"])


def test_a_password_that_was_not_changed_is_left_alone(tmp_path: Path) -> None:
    printed(tmp_path)
    before = set(User.objects.values_list("username", "password"))

    printed(tmp_path)

    assert set(User.objects.values_list("username", "password")) == before


def test_no_two_accounts_share_a_salt_or_show_their_password(tmp_path: Path) -> None:
    passwords = printed(tmp_path)

    stored = dict(User.objects.values_list("username", "password"))
    assert len({text.split("$")[1] for text in stored.values()}) == len(passwords)
    assert not [name for name in stored if passwords[name] in stored[name]]
