"""The HTTP API of the gateway as OpenAPI 3.1: what all services answer, in one document."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, get_args, get_origin

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from msgspec import Raw, Struct

from tidemill_contracts.catalogue import event_types
from tidemill_contracts.jobs import CancelJob
from tidemill_contracts.pages import Page
from tidemill_contracts.problems import Problem
from tidemill_contracts.schedules import PauseSchedule
from tidemill_kit.app import VERSION, operation_id
from tidemill_kit.documents import schemas
from tidemill_kit.documents.schemas import Schema
from tidemill_kit.documents.services import Service

JSON = "application/json"
BYTES = "application/octet-stream"
ZIP = "application/zip"
REFUSAL = {"$ref": "#/components/responses/Problem"}
INFO: Schema = {
    "title": "Tidemill",
    "version": VERSION,
    "description": "Upload data, run processors and pipelines over it, watch every step live, "
    "replay what happened. The live stream is described in /asyncapi.json.",
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}
PROBLEM: Schema = {
    "description": "Refused; `code` says why (see /docs/problems).",
    "content": {"application/problem+json": {"schema": schemas.reference("Problem")}},
}
BEARER: Schema = {
    "type": "http",
    "scheme": "bearer",
    "description": "An access token or an API key.",
}
UPLOAD: Schema = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "contentMediaType": BYTES},
        "name": {"type": "string"},
        "labels": {"type": "string", "description": "A JSON object."},
    },
}
# What handlers read or write by hand, so that no signature tells of it.
BODIES: dict[str, Schema] = {
    "jobs_cancel": {"content": {JSON: {"schema": schemas.reference("CancelJob")}}},
    "schedules_pause": {"content": {JSON: {"schema": schemas.reference("PauseSchedule")}}},
    "archives_bring": {"required": True, "content": {ZIP: {"schema": {}}}},
    "datasets_upload": {
        "required": True,
        "content": {"multipart/form-data": {"schema": UPLOAD}, BYTES: {"schema": {}}},
    },
}
ANSWERS: dict[str, Schema] = {
    "archives_file": {ZIP: {"schema": {}}},
    "datasets_upload": {JSON: {"schema": schemas.reference("Dataset")}},
    "events_events": {"text/event-stream": {"schema": {}}},
}


class Endpoint(Struct, frozen=True):
    """An operation as Litestar describes it, and the handler behind it."""

    path: str
    method: str
    handler: HTTPRouteHandler
    described: Schema

    @property
    def id(self) -> str:
        parts = [part for part in self.path.split("/") if part]
        return operation_id(self.handler, None, parts)

    @property
    def answers(self) -> Any:
        """What it returns, out of its Response."""
        given = self.handler.parsed_return_field.annotation
        return get_args(given)[0] if get_origin(given) is Response else given

    @property
    def takes(self) -> Any:
        field = self.handler.parsed_data_field
        return None if field is None else field.annotation


class Shapes:
    """The schemas of all types that endpoints take and answer."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        used = [shape for each in endpoints for shape in (each.takes, each.answers)]
        self._types = [shape for shape in used if _is_shape(shape)]
        given = [
            *self._types,
            Page[Raw],
            Problem,
            CancelJob,
            PauseSchedule,
            *event_types().values(),
        ]
        self._references, self.named = schemas.components(given)
        self.named["Event"] = schemas.any_event()
        self.named["RawPage"]["properties"]["items"]["items"] = schemas.reference("Event")
        self.named["EventPage"] = {**self.named.pop("RawPage"), "title": "EventPage"}
        self.named["StreamedEvent"]["properties"]["event"] = schemas.reference("Event")

    def of(self, shape: Any) -> Schema:
        """Empty where the signature does not tell."""
        if shape not in self._types:
            return {}
        found = self._references[self._types.index(shape)]
        raw = found == schemas.reference("RawPage")
        return schemas.reference("EventPage") if raw else found


def document(services: Iterable[Service]) -> Schema:
    endpoints = [endpoint for service in services for endpoint in _endpoints(service)]
    shapes = Shapes(endpoints)
    paths: dict[str, Schema] = {}
    for endpoint in sorted(endpoints, key=lambda each: (each.path, each.method)):
        paths.setdefault(endpoint.path, {})[endpoint.method] = _operation(endpoint, shapes)
    named = {**_parameter_types(services), **shapes.named}
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(named.items())),
            "responses": {"Problem": PROBLEM},
            "securitySchemes": {"bearer": BEARER},
        },
    }


def _endpoints(service: Service) -> list[Endpoint]:
    described = service.app.openapi_schema.to_schema().get("paths", {})
    handlers = {
        (route.path_format, method.lower()): handler
        for route in service.app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
    }
    return [
        Endpoint(path, method, handlers[path, method], operation)
        for path, operations in described.items()
        for method, operation in operations.items()
    ]


def _operation(endpoint: Endpoint, shapes: Shapes) -> Schema:
    text = endpoint.described["description"]
    summary, _, more = text.partition("\n\n")
    role = endpoint.handler.opt["role"]
    operation = {
        "operationId": endpoint.id,
        "tags": endpoint.described["tags"],
        "summary": summary.replace("\n", " ").removesuffix("."),
        "description": more.replace("\n", " "),
        "security": [{"bearer": [role.value]}] if role else [],
        "parameters": [_parameter(each) for each in endpoint.described.get("parameters", ())],
        "requestBody": _body(endpoint, shapes),
        "responses": _responses(endpoint, shapes),
    }
    return {key: value for key, value in operation.items() if value or key == "security"}


def _body(endpoint: Endpoint, shapes: Shapes) -> Schema | None:
    if endpoint.takes is None:
        return BODIES.get(endpoint.id)
    return {"required": True, "content": {JSON: {"schema": shapes.of(endpoint.takes)}}}


def _responses(endpoint: Endpoint, shapes: Shapes) -> Schema:
    status = endpoint.handler.status_code
    answer: Schema = {"description": HTTPStatus(status).phrase}
    if endpoint.answers is not type(None):
        told: Schema = {} if endpoint.answers is bytes else {JSON: shapes.of(endpoint.answers)}
        content = {media_type: {"schema": schema} for media_type, schema in told.items()}
        answer["content"] = {**content, **ANSWERS.get(endpoint.id, {})}
    return {str(status): answer, "default": REFUSAL}


def _parameter(described: Schema) -> Schema:
    """Litestar's own, without what it says of defaults and null: absent is absent."""
    kept = ("name", "in", "description", "required")
    parameter = {key: described[key] for key in kept if described.get(key)}
    schema = described["schema"]
    choices = [each for each in schema.get("oneOf", ()) if each != {"type": "null"}]
    if len(choices) == 1:
        schema = {**choices[0], **{k: v for k, v in schema.items() if k != "oneOf"}}
    numbers = {key: int(value) for key, value in schema.items() if isinstance(value, float)}
    return {**parameter, "schema": {**schema, **numbers}}


def _parameter_types(services: Iterable[Service]) -> dict[str, Schema]:
    """Types that only parameters use: Litestar's schemas of them."""
    found: dict[str, Schema] = {}
    for service in services:
        described = service.app.openapi_schema.to_schema().get("components", {})
        found |= {
            name: schema
            for name, schema in described.get("schemas", {}).items()
            if "enum" in schema and "." not in name
        }
    return found


def _is_shape(annotation: Any) -> bool:
    kind = get_origin(annotation) or annotation
    return isinstance(kind, type) and issubclass(kind, Struct)
