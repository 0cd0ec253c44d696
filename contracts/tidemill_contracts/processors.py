"""What a worker says of the processors it has."""

from enum import StrEnum
from typing import Any

from msgspec import Struct, field


class Takes(StrEnum):
    DATASET = "dataset"
    VALUE = "value"
    NOTHING = "nothing"


class Returns(StrEnum):
    DATASET = "dataset"
    VALUE = "value"
    BOTH = "both"
    NOTHING = "nothing"


class ProcessorInfo(Struct, frozen=True, kw_only=True):
    """A processor as the API lists it; `params_schema` is JSON Schema 2020-12."""

    name: str
    version: str
    summary: str
    takes: Takes
    returns: Returns
    input_required: bool = True
    pure: bool = False
    engines: tuple[str, ...] = ("polars",)
    queue: str = "default"
    params_schema: dict[str, Any] = field(default_factory=dict[str, Any])
    hidden: bool = False
    system: bool = False
