"""Events, progress and the live stream as AsyncAPI 3.0."""

from typing import Any, get_args

from tidemill_contracts.catalogue import OWNED, event_types
from tidemill_contracts.event import Event
from tidemill_contracts.jobs import Progress
from tidemill_contracts.stream import SUBPROTOCOL, ClientFrame, ServerFrame
from tidemill_kit.app import VERSION
from tidemill_kit.documents import schemas
from tidemill_kit.documents.schemas import Schema

TENANT = {"description": "The tenant's id, without dashes."}
JOB = {"description": "The job's id, without dashes."}


def document() -> Schema:
    frames = {
        "client": get_args(ClientFrame),
        "server": get_args(ServerFrame),
    }
    kinds = [*event_types().values(), Progress, *frames["client"], *frames["server"]]
    _, named = schemas.components(kinds)
    named["StreamedEvent"]["properties"]["event"] = {
        "oneOf": [schemas.reference(kind.__name__) for kind in event_types().values()]
    }
    contexts = {
        context: [kind for tag, kind in event_types().items() if tag.startswith(f"{context}.")]
        for owned in OWNED.values()
        for context in owned
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tidemill",
            "version": VERSION,
            "description": "What happens in Tidemill: the live stream at the gateway, and the "
            "events that services publish to NATS JetStream.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "gateway": {"host": "127.0.0.1:8080", "protocol": "ws"},
            "bus": {"host": "127.0.0.1:4222", "protocol": "nats"},
        },
        "channels": {
            "stream": _stream([*frames["client"], *frames["server"]]),
            "progress": _progress(),
            **{context: _context(context, found) for context, found in contexts.items()},
        },
        "operations": {
            "hear": _operation("receive", "stream", "What a client says.", frames["client"]),
            "tell": _operation("send", "stream", "What the server says.", frames["server"]),
            "progress": _operation("send", "progress", "How far running steps are.", (Progress,)),
            **{
                f"publish_{context}": _operation(
                    "send", context, f"The numbered facts of a {_word(context)}.", found
                )
                for context, found in contexts.items()
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
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schemas.any_event(),
        "$defs": named,
    }
    return _moved(document)


def _stream(frames: list[type]) -> Schema:
    return {
        "address": "/v1/stream",
        "title": "The live stream",
        "description": f"A WebSocket with the subprotocol `{SUBPROTOCOL}`. Say `auth` within 5 s, "
        "then `subscribe`; from a cursor on nothing is missed.",
        "servers": [{"$ref": "#/servers/gateway"}],
        "messages": _messages(frames),
    }


def _progress() -> Schema:
    return {
        "address": "tm.progress.{tenant}.{job}",
        "title": "Progress",
        "description": "The stream PROGRESS: the latest of each job, kept for an hour.",
        "servers": [{"$ref": "#/servers/bus"}],
        "parameters": {"tenant": TENANT, "job": JOB},
        "messages": _messages([Progress]),
    }


def _context(context: str, kinds: list[type[Event]]) -> Schema:
    facts = [tag.partition(".")[2] for tag in event_types() if tag.startswith(f"{context}.")]
    if context == "job":
        facts += [f"{fact}.system" for fact in facts]
    return {
        "address": f"tm.event.{{tenant}}.{context}.{{fact}}",
        "title": f"Events of a {_word(context)}",
        "description": "The stream EVENTS; `seq` counts from 1 for each thing, without gaps.",
        "servers": [{"$ref": "#/servers/bus"}],
        "parameters": {"tenant": TENANT, "fact": {"enum": facts}},
        "messages": _messages(kinds),
    }


def _operation(action: str, channel: str, summary: str, kinds: Any) -> Schema:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{k.__name__}"} for k in kinds],
    }


def _messages(kinds: list[Any]) -> Schema:
    return {k.__name__: {"$ref": f"#/components/messages/{k.__name__}"} for k in kinds}


def _message(kind: type) -> Schema:
    """An event's CloudEvents headers are those that the publisher sets."""
    config: Any = getattr(kind, "__struct_config__")  # noqa: B009 - unknown to pyright
    message = {
        "name": config.tag or "progress",
        "summary": (kind.__doc__ or config.tag).partition("\n")[0].removesuffix("."),
        "payload": schemas.reference(kind.__name__),
    }
    return {**message, "headers": HEADERS} if issubclass(kind, Event) else message


def _word(context: str) -> str:
    return context.replace("api_key", "key")


def _moved(schema: Any) -> Any:
    """References into `$defs`, where a JSON Schema on its own keeps what it names."""
    if isinstance(schema, list):
        return [_moved(item) for item in schema]
    if isinstance(schema, dict):
        return {key: _moved(value) for key, value in schema.items()}
    moved = isinstance(schema, str) and schema.startswith(schemas.SCHEMAS)
    return f"#/$defs/{schema.removeprefix(schemas.SCHEMAS)}" if moved else schema


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
