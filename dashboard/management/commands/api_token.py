"""`manage.py api_token`: make, list and revoke tokens of the REST API."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from dashboard import tokens
from dashboard.models import ApiToken


class Command(BaseCommand):
    help = "Make, list and revoke tokens of the REST API."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="create|list|revoke")
        create = verbs.add_parser("create", help="make a token, and print it this once")
        create.add_argument("user", help="the username of whom it acts as")
        create.add_argument("--name", required=True, help="what it is for")
        create.add_argument(
            "--scope",
            action="append",
            default=[],
            dest="scopes",
            metavar="SCOPE",
            help=f"may be repeated: {', '.join(tokens.SCOPES)}",
        )
        create.add_argument("--expires", default="90d", help="how long it is of use (90d)")
        lists = verbs.add_parser("list", help="show the tokens that are of use")
        lists.add_argument("user", nargs="?", help="only those of this user")
        lists.add_argument("--all", action="store_true", help="also those that are not any more")
        revoke = verbs.add_parser("revoke", help="let a token be of no more use")
        revoke.add_argument("prefix", help="as `list` shows it")
        for one in (create, lists, revoke):
            one.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        {"create": self._create, "list": self._list, "revoke": self._revoke}[options["verb"]](
            **options
        )

    def _create(self, **options: Any) -> None:
        try:
            token, secret = tokens.create(
                _user(options["user"]),
                name=options["name"],
                scopes=options["scopes"],
                expires=options["expires"],
            )
        except ValueError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self._write_json(_shown(token) | {"token": secret})
            return
        self.stdout.write(secret)
        self.stderr.write(f"It acts as {token.user} until {token.expires_at:%Y-%m-%d}. Keep it now")
        self.stderr.write("where it is needed: it is not shown again.")

    def _list(self, **options: Any) -> None:
        user = _user(options["user"]) if options["user"] else None
        found = tokens.of(user, is_alive=not options["all"])
        if options["json"]:
            self._write_json([_shown(one) for one in found])
            return
        for one in found:
            shown = _shown(one)
            self.stdout.write(
                f"{one.prefix}  {shown['state']:8}  {one.user}  {one.name}  "
                f"{','.join(one.scopes)}  until {one.expires_at:%Y-%m-%d}  "
                f"last used {f'{one.last_used_at:%Y-%m-%d %H:%M}' if one.last_used_at else 'never'}"
            )

    def _revoke(self, **options: Any) -> None:
        token = tokens.revoke(options["prefix"])
        if token is None:
            raise CommandError(
                f"no token has the prefix {options['prefix']!r}: see manage.py api_token list --all"
            )
        if options["json"]:
            self._write_json(_shown(token))
        else:
            self.stdout.write(f"revoked: {token.name} of {token.user}")

    def _write_json(self, value: Any) -> None:
        self.stdout.write(json.dumps(value, indent=1))


def _user(name: str) -> User:
    try:
        return User.objects.get_by_natural_key(name)
    except User.DoesNotExist:
        raise CommandError(f"no user is called {name!r}") from None


def _shown(token: ApiToken) -> dict[str, Any]:
    times = {
        name: getattr(token, name).isoformat() if getattr(token, name) else None
        for name in ("created_at", "expires_at", "last_used_at", "revoked_at")
    }
    return {
        "prefix": token.prefix,
        "user": token.user.get_username(),
        "name": token.name,
        "scopes": token.scopes,
        "state": tokens.state(token, timezone.now()),
        **times,
    }
