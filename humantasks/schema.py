"""What a form asks, as it is stored with a task: the JSON schema of its pydantic model.

Old tasks are shown from it after the class has changed or gone.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

Schema = dict[str, Any]

# The labels of an enum's values, in their order. JSON Schema has no word for them.
LABELS = "x-labels"


class _FormSchema(GenerateJsonSchema):
    """Titles only where the author wrote one, and the labels of Django's `Choices`."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        found = super().enum_schema(schema)
        labels = [getattr(member, "label", None) for member in schema["members"]]
        if all(label is not None for label in labels):
            found[LABELS] = labels
        return found


@lru_cache(maxsize=256)
def of_form(model: type[BaseModel]) -> Schema:
    """The schema of what a reviewer fills in. The same object each time: do not change it."""
    return model.model_json_schema(schema_generator=_FormSchema, mode="validation")


class Resolver:
    """Follows the `$ref`s of one schema, and opens what stands for a single type."""

    def __init__(self, root: Schema) -> None:
        self._definitions: dict[str, Schema] = root.get("$defs", {})

    def resolve(self, schema: Schema) -> Schema:
        """The schema itself, with the title, the default and so on of where it is used.

        A class has a title and a description of its own, which do not name the field.
        """
        while True:
            if "$ref" in schema:
                named = self._definitions.get(schema["$ref"].rpartition("/")[2], {})
                inner = {
                    key: value
                    for key, value in named.items()
                    if key not in ("title", "description")
                }
            elif len(schema.get("allOf", ())) == 1:
                inner = schema["allOf"][0]
            else:
                return schema
            schema = inner | {
                key: value for key, value in schema.items() if key not in ("$ref", "allOf")
            }

    def optional(self, schema: Schema) -> tuple[Schema, bool]:
        """The schema without its null, and whether it had one."""
        schema = self.resolve(schema)
        arms = [self.resolve(arm) for arm in schema.get("anyOf", ())]
        kept = [arm for arm in arms if arm.get("type") != "null"]
        if len(kept) == len(arms):
            return schema, False
        around = {key: value for key, value in schema.items() if key != "anyOf"}
        if len(kept) == 1:
            return self.resolve(kept[0]) | around, True
        return {"anyOf": kept} | around, True
