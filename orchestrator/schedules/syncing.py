"""How the table of schedules follows what code declares."""

from __future__ import annotations

import logging
from typing import Any

from django.apps import apps

from orchestrator.core.definition import registry
from orchestrator.models import Schedule, Source
from orchestrator.schedules.declaring import declared
from orchestrator.store import schedules as store

logger = logging.getLogger("orchestrator")


def sync() -> None:
    """Make the table say what this process's code declares. Done twice, it changes nothing.

    What code declared once and does not any more ends, if it is one of ours: its workflow
    is known here, or the app that had it is installed here. An operator's pause stays.
    """
    for wanted in declared.values():
        store.put(wanted, Source.CODE)
    for name in store.end_others(list(declared), is_ours=_is_ours):
        logger.info("schedule %s is not declared any more, so it has ended", name)


def after_migrate(**options: Any) -> None:
    """Connected to `post_migrate`, which `flush` sends too: without a plan."""
    if "plan" in options:
        sync()


def _is_ours(row: Schedule) -> bool:
    known = {one.name for one in registry}
    return row.workflow in known or apps.get_containing_app_config(row.module) is not None
