"""System checks: what is wrong with the registered task types and the settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.template import TemplateDoesNotExist
from django.template.loader import get_template

from humantasks import definitions, filetypes, storing
from humantasks.conf import NAMES, conf


def ui_template(ui: str) -> str:
    """The part of the task page that a task's `ui` names."""
    return f"humantasks/ui/{ui}.html"


@register
def pages_exist(app_configs: Any, **options: Any) -> Iterable[CheckMessage]:
    """Each registered task type must have its page."""
    for name, cls in definitions.registered_types().items():
        try:
            get_template(ui_template(cls.ui))
        except TemplateDoesNotExist:
            yield Error(
                f"The task type {name!r} has ui={cls.ui!r}, but there is no template "
                f"{ui_template(cls.ui)}.",
                obj=cls,
                id="humantasks.E001",
            )


@register
def settings_can_be_read(app_configs: Any, **options: Any) -> Iterable[CheckMessage]:
    """Each setting has a value that it can have."""
    for name in NAMES:
        try:
            getattr(conf, name)
        except (TypeError, ValueError) as error:
            yield Error(f"HUMANTASKS_{name} cannot be read: {error}", id="humantasks.E002")
            return
    if unknown := sorted(set(conf.ATTACHMENT_TYPES) - set(filetypes.KNOWN)):
        yield Error(
            f"HUMANTASKS_ATTACHMENT_TYPES has {', '.join(unknown)}, which cannot be told from "
            f"other files. Known are {', '.join(filetypes.KNOWN)}.",
            id="humantasks.E003",
        )


@register
def attachments_are_not_public(app_configs: Any, **options: Any) -> Iterable[CheckMessage]:
    """A storage whose files everybody may fetch is no place for what reviewers see."""
    if storing.ALIAS not in settings.STORAGES and settings.MEDIA_URL not in ("", "/"):
        yield Warning(
            "Attachments of human tasks go into the default storage, whose files your server "
            "may hand out to everybody at MEDIA_URL.",
            hint=f"Add a storage {storing.ALIAS!r} to STORAGES, outside of MEDIA_ROOT.",
            id="humantasks.W001",
        )
