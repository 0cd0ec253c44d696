"""JSON Schema of Structs, as OpenAPI, AsyncAPI and the events' own document share it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from tidemill_contracts.catalogue import event_types

type Schema = dict[str, Any]
SCHEMAS = "#/components/schemas/"


def components(types: Sequence[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """A schema for each type, and the named schemas that they refer to."""
    template = f"{SCHEMAS}{{name}}"
    references, named = msgspec.json.schema_components(types, ref_template=template)
    schemas = {_name(name): _titled(_name(name), schema) for name, schema in named.items()}
    return [_renamed(reference) for reference in references], dict(sorted(schemas.items()))


def reference(name: str) -> Schema:
    return {"$ref": f"{SCHEMAS}{name}"}


def any_event() -> Schema:
    """Every event; its `type` says which one it is."""
    kinds = event_types()
    return {
        "title": "Event",
        "description": "A numbered fact; more types may come, so skip those you do not know.",
        "oneOf": [reference(kind.__name__) for kind in kinds.values()],
        "discriminator": {
            "propertyName": "type",
            "mapping": {tag: f"{SCHEMAS}{kind.__name__}" for tag, kind in kinds.items()},
        },
    }


def _name(name: str) -> str:
    """`JobPage` for `Page[Job]`."""
    inner = name.removeprefix("Page_").removesuffix("_")
    return f"{inner.rpartition('.')[2].strip('_')}Page" if name.startswith("Page_") else name


def _titled(name: str, schema: Schema) -> Schema:
    schema = _renamed(schema)
    for field, content in schema.get("properties", {}).items():
        _date(field, content)
    return {**schema, "title": name}


def _date(field: str, schema: Schema) -> None:
    """Moments are called `at` or end in `_at`; msgspec names their format only where tz is set."""
    if field == "at" or field.endswith("_at"):
        for part in (schema, *schema.get("anyOf", ())):
            if part.get("type") == "string":
                part["format"] = "date-time"


def _renamed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_renamed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {**schema, **reference(_name(schema["$ref"].removeprefix(SCHEMAS)))}
    return {key: _renamed(value) for key, value in schema.items()}
