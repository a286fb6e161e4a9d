"""What a body asks, as it is stored: checked, and turned into plain values."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from humantasks import definitions, reviews, schema, sla
from humantasks.definitions import HumanTaskType, Outcome
from humantasks.routing import AssignTo, pool_of
from humantasks.words import humanise
from orchestrator.core import codec
from orchestrator.core.errors import InvalidInput

MAX_TITLE = 200

logger = logging.getLogger("humantasks")


def of_type(name: str, definition: type[HumanTaskType], ui: str | None) -> dict[str, Any]:
    """What the type says. Raises ValueError for a page that cannot be one."""
    definitions.check_ui(page := ui or definition.ui)
    return {
        "type": name,
        "type_version": definition.version,
        "ui": page,
        "requester_may_answer": definition.requester_may_answer,
        "lease_seconds": definitions.lease_seconds(definition),
    }


def addressed(definition: type[HumanTaskType], assign_to: AssignTo | None) -> dict[str, Any]:
    """Whom it goes to, and who must not answer. Raises ValueError when nobody is named."""
    if assign_to is None and definition.routing is None:
        raise ValueError("say whom to ask: assign_to=, or the type's routing")
    routing = definition.routing if assign_to is None else assign_to
    pool = pool_of(routing if routing is not None else ())
    return {"assign_to": pool.names, "exclude": pool.exclude}


def initial(form: type[BaseModel] | None, given: Any) -> str:
    """What stands in the form at first, as JSON; empty for nothing.

    Raises ValueError and TypeError for what does not fit the form.
    """
    if given is None:
        return ""
    if form is None:
        raise ValueError("initial= fills in a form, and this task has none")
    if isinstance(given, form):
        return given.model_dump_json(by_alias=True)
    values = given.model_dump() if isinstance(given, BaseModel) else given
    if not isinstance(values, Mapping):
        raise TypeError(f"initial= is a {form.__name__} or a mapping of fields, not {given!r}")
    known = {info.alias or name for name, info in form.model_fields.items()}
    if unknown := sorted(str(name) for name in values.keys() - known):
        raise ValueError(
            f"initial= has {', '.join(unknown)}, which {form.__name__} has not: "
            f"it has {', '.join(sorted(known))}"
        )
    return to_json(dict(values)).decode()


def content(
    definition: type[HumanTaskType], type_name: str, data: Any, title: str | None
) -> dict[str, str]:
    """The title and the data as they are stored."""
    from orchestrator.conf import conf  # noqa: PLC0415 - needs a configured Django

    if definition.input is not None:
        data = _validated(definition.input, data, type_name)
    title = title or _title(definition.title, data) or humanise(type_name)
    return {
        "title": " ".join(title.split())[:MAX_TITLE],
        "data": codec.encode(data, root="data", limit=conf.MAX_PAYLOAD),
    }


def _validated(model: type[BaseModel], data: Any, type_name: str) -> BaseModel:
    try:
        return model.model_validate(data, from_attributes=True)
    except ValidationError as error:
        errors: list[dict[str, Any]] = [
            {"loc": list(one["loc"]), "msg": one["msg"], "type": one["type"]}
            for one in error.errors()
        ]
        lines = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in errors)
        raise InvalidInput(f"data of a {type_name} task: {lines}", errors) from error


def _title(template: str, data: Any) -> str:
    """The template with the data's fields in it; empty when they do not fit together.

    A title is no reason to stop a run.
    """
    fields = data if isinstance(data, Mapping) else getattr(data, "__dict__", {})
    try:
        return template.format_map(fields)
    except (LookupError, AttributeError, ValueError, TypeError) as error:
        logger.warning("the title %r does not fit its data: %r", template, error)
        return ""


def _form_as_stored(form: type[BaseModel] | None) -> dict[str, Any]:
    if form is None:
        return {"form": None, "form_class": None}
    return {"form": schema.of_form(form), "form_class": definitions.class_path(form)}


def stored_schema(
    definition: type[HumanTaskType],
    form: type[BaseModel] | None,
    outcomes: Sequence[Outcome] | None,
) -> str:
    """What is asked, as text: it stays with the task as it is now."""
    from django.utils import translation  # noqa: PLC0415 - needs a configured Django

    outcomes = outcomes or definition.outcomes
    definitions.check_outcomes(outcomes)
    reviews.check(definition.review, outcomes)
    definitions.check_model(form)
    asked = {
        **_form_as_stored(form),
        "outcomes": [definitions.outcome_as_stored(one) for one in outcomes],
        "policy": asdict(definitions.policy_of(definition)),
        "review": reviews.as_stored(definition.review),
        "sla": sla.as_stored(definition.sla),
    }
    own = {one.name: one.form for one in outcomes if isinstance(one.form, type)}
    if own:
        asked["own_forms"] = {name: _form_as_stored(model) for name, model in own.items()}
    if definition.checklist:
        asked["checklist"] = definitions.checks_as_stored(definition.checklist, outcomes)
    # Lazy texts are stored as they are written, and translated where they are shown.
    with translation.override(None):
        return json.dumps(asked, ensure_ascii=False, default=str)
