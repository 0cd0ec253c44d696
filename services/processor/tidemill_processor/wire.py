"""What the supervisor and its child processes say to each other, and how it is framed."""

import struct
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from tidemill_contracts.processors import ProcessorInfo
from tidemill_contracts.work import Failed, Stopped, Succeeded, WorkStep

HEAD = struct.Struct("!I")

# a frame's list of parts has to fit into an event
MOST_PARTS = 128


class Given(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the first step gets: JSON, or files that lie ready."""

    value: Raw | UnsetType = UNSET
    value_file: str | None = None
    frame: list[str] | None = None
    source: str | None = None


class Linked(Struct, frozen=True):
    """A stored part that a cluster reads by a link."""

    url: str
    sha256: str


class Place(Struct, frozen=True):
    """Where a cluster may put a part, and read it again."""

    put: str
    get: str


class OnCluster(Struct, frozen=True, kw_only=True):
    """Frames are worked on by a Dask cluster; each step that gives one has places for its parts."""

    scheduler: str
    parts: list[Linked] | None = None
    places: dict[str, list[Place]] = field(default_factory=dict[str, list[Place]])


class Begin(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="begin"):
    """Run these steps one after another; every step writes below `folder`."""

    steps: list[WorkStep]
    given: Given
    attempt: int
    folder: str
    checkpoint: Any = None
    cluster: OnCluster | None = None


class Chain(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Pure steps on a value."""

    steps: list[WorkStep]
    value: Any = None


class Batch(Struct, frozen=True, tag="batch"):
    """Run all these chains of pure steps, in order; large values are written to `folder`."""

    chains: list[Chain]
    folder: str


class Cancel(Struct, frozen=True, tag="cancel"):
    """The run that is under way should stop by itself."""


Order = Begin | Batch | Cancel


class Ready(Struct, frozen=True, tag="ready"):
    """The processors are loaded."""

    processors: list[ProcessorInfo]


class Broken(Struct, frozen=True, tag="broken"):
    """The processors could not be loaded."""

    reason: str


class Progressed(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="progress"):
    """How far a step is; never backwards."""

    step: str
    done: float
    total: float | None = None
    unit: str = ""


class Checkpointed(Struct, frozen=True, tag="checkpoint"):
    """What the next attempt should find."""

    state: Raw


class WrittenPart(Struct, frozen=True):
    """A Parquet file of a frame, as the child wrote it."""

    file: str
    rows: int


class StoredPart(Struct, frozen=True):
    """A part that a cluster has put into a place, by the place's number."""

    number: int
    rows: int
    size_bytes: int
    sha256: str


class StepDone(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="step"):
    """What a step gave; a large value lies in a file."""

    step: str
    value: Raw | UnsetType = UNSET
    value_file: str | None = None
    parts: list[WrittenPart] | None = None
    stored: list[StoredPart] | None = None
    columns: int = 0
    artifacts: dict[str, str] = field(default_factory=dict[str, str])
    progress: Progressed | None = None


class Ended(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="ended"):
    """The run is over; a child that is `spent` must not get another."""

    ending: Succeeded | Failed | Stopped
    rss: int = 0
    spent: bool = False


class Answer(Struct, frozen=True, omit_defaults=True):
    """What came of one chain of pure steps."""

    outputs: list[StepDone]
    ending: Succeeded | Failed


class Answers(Struct, frozen=True, omit_defaults=True, tag="answers"):
    """What came of the next chains of a batch."""

    items: list[Answer]
    rss: int = 0


Word = Ready | Broken | Progressed | Checkpointed | StepDone | Ended | Answers

_encoder = msgspec.json.Encoder()


def frame(message: Order | Word) -> bytes:
    """A message as it goes through the pipe: its length in four bytes, then JSON."""
    body = _encoder.encode(message)
    return HEAD.pack(len(body)) + body
