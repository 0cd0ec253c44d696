"""structlog set-up: one JSON object a line on standard error, secrets left out."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET_KEYS = re.compile(r"password|secret|token|authorization|cookie|api_key$", re.IGNORECASE)
_SECRET_VALUES = re.compile(
    r"eyJ[\w-]+\.[\w-]+\.[\w-]+|tm_live_\w+|X-Amz-(?:Signature|Credential)=[^&\s\"]+"
    r"|://[^/\s:@]+:[^@\s]+@",
)
_HIDDEN = "[hidden]"


def configure(service: str, level: str = "info") -> None:
    """Send structlog and the standard library's records to standard error as JSON lines."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _service(service),
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [out]
    root.setLevel(_number(level))
    for noisy in ("nats", "uvicorn.access", "faststream"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def redact(
    _logger: Any,
    _method: str,
    record: MutableMapping[str, Any],
) -> MutableMapping[str, Any]:
    """Hide what looks like a secret, by key and by value."""
    for key, value in record.items():
        if key != "event" and _SECRET_KEYS.search(key):
            record[key] = _HIDDEN
        elif isinstance(value, str):
            record[key] = _SECRET_VALUES.sub(_HIDDEN, value)
    return record


def _service(name: str) -> structlog.typing.Processor:
    def add(
        _logger: Any,
        _method: str,
        record: MutableMapping[str, Any],
    ) -> MutableMapping[str, Any]:
        record["service"] = name
        return record

    return add


def _number(level: str) -> int:
    return logging.getLevelNamesMapping()[level.upper()]
