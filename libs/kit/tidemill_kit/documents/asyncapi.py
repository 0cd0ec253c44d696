"""Events, progress and the live stream as AsyncAPI 3.0."""

from collections.abc import Iterable
from typing import Any, get_args

import msgspec

from tidemill_contracts.catalogue import event_types
from tidemill_contracts.event import Event
from tidemill_contracts.job_events import JobEvent
from tidemill_contracts.jobs import Progress
from tidemill_contracts.lines import LiveLines
from tidemill_contracts.stream import CLOSE_CODES, SUBPROTOCOL, ClientFrame, ServerFrame
from tidemill_kit.app import VERSION
from tidemill_kit.documents import schemas
from tidemill_kit.documents.schemas import Schema

TENANT: Schema = {"description": "The tenant's id, without dashes."}
INFO: Schema = {
    "title": "Tidemill",
    "version": VERSION,
    "description": "What happens in Tidemill: the live stream at the gateway, and the events "
    "that services publish to NATS JetStream.",
    "license": {"name": "Apache-2.0"},
}
STREAM: Schema = {
    "address": "/v1/stream",
    "title": "The live stream",
    "description": f"A WebSocket with the subprotocol `{SUBPROTOCOL}`. Say `auth` within 5 s, "
    "then `subscribe`; from a cursor on nothing is missed.",
    "servers": [{"$ref": "#/servers/gateway"}],
}
PROGRESS: Schema = {
    "address": "tm.progress.{tenant}.{job}",
    "title": "Progress",
    "description": "The stream PROGRESS: the latest of each job, kept for an hour.",
    "servers": [{"$ref": "#/servers/bus"}],
    "parameters": {"tenant": TENANT, "job": {"description": "The job's id, without dashes."}},
}
LOG: Schema = {
    "address": "tm.log.{tenant}.{job}",
    "title": "Lines of a job's log",
    "description": "What processors say, as they say it: kept by no stream, and by the jobs "
    "service for `GET /v1/jobs/{id}/logs`.",
    "servers": [{"$ref": "#/servers/bus"}],
    "parameters": PROGRESS["parameters"],
}
HEADERS: Schema = {
    "type": "object",
    "description": "CloudEvents 1.0, binary mode.",
    "properties": {
        "ce-specversion": {"const": "1.0"},
        "ce-id": {"type": "string", "description": "The event's id, as `Nats-Msg-Id` has it."},
        "ce-type": {"type": "string", "description": "The event's type."},
        "ce-source": {"type": "string", "description": "`/tidemill/<service>`."},
        "ce-subject": {"type": "string", "description": "The id of what the event is about."},
        "ce-time": {"type": "string", "format": "date-time"},
        "ce-datacontenttype": {"const": "application/json"},
    },
}


def document() -> Schema:
    client, server = get_args(ClientFrame), get_args(ServerFrame)
    kinds = [*event_types().values(), Progress, LiveLines, *client, *server]
    _, named = schemas.components(kinds)
    named["StreamedEvent"]["properties"]["event"] = {"oneOf": schemas.any_event()["oneOf"]}
    contexts = _contexts()
    return {
        "asyncapi": "3.0.0",
        "info": INFO,
        "defaultContentType": "application/json",
        "servers": {
            "gateway": {"host": "127.0.0.1:8080", "protocol": "ws"},
            "bus": {"host": "127.0.0.1:4222", "protocol": "nats"},
        },
        "channels": {
            "stream": {
                **STREAM,
                "messages": _messages([*client, *server]),
                "x-close-codes": {str(code): means for code, means in CLOSE_CODES.items()},
            },
            "progress": {**PROGRESS, "messages": _messages([Progress])},
            "log": {**LOG, "messages": _messages([LiveLines])},
            **{name: _channel(name, facts) for name, facts in contexts.items()},
        },
        "operations": {
            "hear": _operation("receive", "stream", "What a client says", client),
            "tell": _operation("send", "stream", "What the server says", server),
            "report_progress": _operation("send", "progress", "How far a job is", [Progress]),
            "say": _operation("send", "log", "What a job says", [LiveLines]),
            **{
                f"publish_{name}": _operation("send", name, f"Facts: {name}", facts.values())
                for name, facts in contexts.items()
            },
        },
        "components": {
            "messages": {kind.__name__: _message(kind) for kind in kinds},
            "schemas": named,
        },
    }


def events() -> Schema:
    """All events as one JSON Schema (2020-12)."""
    _, named = schemas.components(list(event_types().values()))
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schemas.any_event(),
        "$defs": named,
    }
    moved = msgspec.json.encode(schema).replace(schemas.SCHEMAS.encode(), b"#/$defs/")
    return msgspec.json.decode(moved)


def _contexts() -> dict[str, dict[str, type[Event]]]:
    """The facts of each context, such as `succeeded` of `job`."""
    found: dict[str, dict[str, type[Event]]] = {}
    for tag, kind in event_types().items():
        context, _, fact = tag.partition(".")
        found.setdefault(context, {})[fact] = kind
    return found


def _channel(context: str, facts: dict[str, type[Event]]) -> Schema:
    system = [f"{fact}.system" for fact, kind in facts.items() if issubclass(kind, JobEvent)]
    return {
        "address": f"tm.event.{{tenant}}.{context}.{{fact}}",
        "title": f"Events: {context}",
        "description": "The stream EVENTS; `seq` counts from 1 for each thing, without gaps.",
        "servers": [{"$ref": "#/servers/bus"}],
        "parameters": {"tenant": TENANT, "fact": {"enum": [*facts, *system]}},
        "messages": _messages(facts.values()),
    }


def _operation(action: str, channel: str, summary: str, kinds: Iterable[type]) -> Schema:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{k.__name__}"} for k in kinds],
    }


def _messages(kinds: Iterable[type]) -> Schema:
    return {k.__name__: {"$ref": f"#/components/messages/{k.__name__}"} for k in kinds}


def _message(kind: type) -> Schema:
    """An event's CloudEvents headers are those that the publisher sets."""
    config: Any = getattr(kind, "__struct_config__")  # noqa: B009 - unknown to pyright
    message = {
        "name": config.tag or kind.__name__.lower(),
        "summary": (kind.__doc__ or config.tag).partition("\n")[0].removesuffix("."),
        "payload": schemas.reference(kind.__name__),
    }
    return {**message, "headers": HEADERS} if issubclass(kind, Event) else message
