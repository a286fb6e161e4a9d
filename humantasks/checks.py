"""System checks: what is wrong with the registered task types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.template import TemplateDoesNotExist
from django.template.loader import get_template

from humantasks import definitions


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
