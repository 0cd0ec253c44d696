"""Options that several commands share."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from tidemill_contracts.jobs import JobStatus

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="At most so many.")]
Labels = Annotated[
    list[str] | None, typer.Option("--label", help="A label, as key=value; may be repeated.")
]
DatasetId = Annotated[UUID, typer.Argument(help="The dataset's id.", metavar="DATASET")]
JobId = Annotated[UUID, typer.Argument(help="The job's id.", metavar="JOB")]
Statuses = Annotated[
    list[JobStatus] | None,
    typer.Option("--status", help="Only those with this status; may be repeated."),
]
HasLabels = Annotated[
    list[str] | None,
    typer.Option("--label", help="Only those with this label, as key=value; may be repeated."),
]
Runs = Annotated[str | None, typer.Option("--processor", help="Only those that run it.")]
InQueue = Annotated[str | None, typer.Option("--queue", help="Only those in this queue.")]
OfPipeline = Annotated[str | None, typer.Option("--pipeline", help="Only those made of it.")]
RetryOf = Annotated[UUID | None, typer.Option("--retry-of", help="Only those that retry this job.")]
System = Annotated[bool, typer.Option("--system", help="The system's own jobs instead.")]
After = Annotated[
    datetime | None, typer.Option("--created-after", help="Not made before this (local time).")
]
Before = Annotated[
    datetime | None, typer.Option("--created-before", help="Made before this (local time).")
]
Wait = Annotated[
    bool,
    typer.Option(
        "--wait",
        help="Wait for the ending; exit 0 if it succeeded, 1 if it failed, 2 if it was cancelled "
        "or expired.",
    ),
]
Follow = Annotated[
    bool,
    typer.Option("--follow", help="Like --wait, and show events and progress as they come."),
]
Lines = Annotated[
    bool, typer.Option("--logs", help="With --follow, also show what the processors say.")
]
Dataset = Annotated[UUID | None, typer.Option("--dataset", help="The dataset to run on.")]
Value = Annotated[str | None, typer.Option("--value", help="The value to run on, as JSON.")]
Key = Annotated[
    str | None,
    typer.Option("--key", help="Idempotency key: the same key and order make one job."),
]
Processor = Annotated[
    str | None, typer.Option("--processor", "-p", help="The one processor to run.")
]
Params = Annotated[str | None, typer.Option(help="The processor's parameters, as JSON.")]
Steps = Annotated[
    str | None, typer.Option(help="A list of steps, as JSON or the name of a file with it.")
]
Queue = Annotated[str | None, typer.Option(help="The queue, unless the processor's.")]
Priority = Annotated[int, typer.Option(min=0, max=9, help="9 goes first.")]
Concurrency = Annotated[
    str | None,
    typer.Option("--concurrency-key", help="Of the jobs with this key one runs at a time."),
]
RunAt = Annotated[datetime | None, typer.Option(help="Not before this moment (local time).")]
At = Annotated[
    str | None, typer.Option("--at", help="As it was at this cursor; events show theirs.")
]
Speed = Annotated[
    float,
    typer.Option(min=0, help="So many times as fast as it was; 0 does not wait at all."),
]
Longest = Annotated[
    float, typer.Option("--longest-wait", min=0, help="No pause is longer than so many seconds.")
]
Parallel = Annotated[int, typer.Option(min=1, max=64, help="Parts that are sent at a time.")]
Reading = Annotated[
    list[str] | None,
    typer.Option(
        "--read",
        metavar="KEY=VALUE",
        help="How to read it: format, compression, encoding, delimiter, quote, header, skip, "
        "decimal, depth, contract, or types.COLUMN; repeatable.",
    ),
]
