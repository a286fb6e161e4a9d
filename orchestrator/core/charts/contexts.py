"""What a machine knows: its type, and whether what an action has made of it still fits."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from typing import Any, get_origin, is_typeddict

from pydantic import BaseModel, TypeAdapter, ValidationError

from orchestrator.core.schemas import adapter

_GONE: Any = object()


class ContextType:
    """The type that an author has given for the context of a machine."""

    def __init__(self, hint: Any) -> None:
        self._hint = hint
        self.cls = _class_of(hint)

    @property
    def name(self) -> str:
        return self.cls.__name__

    def fitted(self, context: Any, before: Any) -> Any:
        """`context` with what was changed since `before` as its type makes it: 3 for "3".

        Only what was changed is judged, and that as if it were given anew: what a type says
        of the rest may have been true only when the machine was started. Raises ValueError.
        """
        try:
            if isinstance(context, BaseModel):
                _fit_model(context, before)
                return context
            return self._fitted(context, before)
        except ValidationError as error:
            raise ValueError(_sentence(error)) from error

    def _fitted(self, context: Any, before: Any) -> Any:
        now, then = _fields(context), _fields(before)
        if now is None or then is None:
            return context
        changed = {name for name in now if now[name] != then.get(name, _GONE)}
        missing = then.keys() - now.keys()
        try:
            made = _fields(self._adapter.validate_python(now)) or {}
        except ValidationError as error:
            at = [one["loc"][:1] for one in error.errors()]
            if any(not place or place[0] in changed | missing for place in at):
                raise
            return context
        for name in changed & made.keys():
            _put(context, name, made[name])
        return context

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        return adapter(self._hint)


def _class_of(hint: Any) -> type:
    """The class of a context that is declared as a class, a TypedDict or `dict[str, …]`."""
    if is_typeddict(hint):
        return dict
    found = get_origin(hint) or hint
    return found if isinstance(found, type) else object


def _fit_model(model: BaseModel, before: Any) -> None:
    """Judge the fields that were changed, also those of the models in it."""
    kind = type(model)
    is_same = type(before) is kind
    for name in kind.model_fields:
        value, then = model.__dict__.get(name), before.__dict__.get(name) if is_same else _GONE
        _fit_inside(value, then)
        if value != then or type(value) is not type(then):
            _assign(model, name, value)


def _fit_inside(value: Any, then: Any) -> None:
    if isinstance(value, BaseModel):
        if type(value) is type(then):
            _fit_model(value, then)
    elif isinstance(value, list | tuple) and isinstance(then, list | tuple):
        for one, known in zip(value, then, strict=False):
            _fit_inside(one, known)
    elif isinstance(value, Mapping) and isinstance(then, Mapping):
        for key in value.keys() & then.keys():
            _fit_inside(value[key], then[key])


def _assign(model: BaseModel, name: str, value: Any) -> None:
    kind = type(model)
    if kind.model_config.get("frozen") or kind.model_fields[name].frozen:
        # It is another instance than before. Made as a whole, it is judged as a whole.
        kind.model_validate(dict(model.__dict__), by_name=True, by_alias=False)
        return
    kind.__pydantic_validator__.validate_assignment(model, name, value)


def _fields(context: Any) -> dict[str, Any] | None:
    if isinstance(context, dict):
        return context
    if dataclasses.is_dataclass(context) and not isinstance(context, type):
        settable = (one.name for one in dataclasses.fields(context) if one.init)
        return {name: getattr(context, name) for name in settable}
    return None


def _put(context: Any, name: str, value: Any) -> None:
    if isinstance(context, dict):
        context[name] = value
    else:
        object.__setattr__(context, name, value)


def _sentence(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in error.errors()
    )
