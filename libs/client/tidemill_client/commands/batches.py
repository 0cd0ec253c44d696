"""Many jobs out of a file."""

from collections.abc import Iterable
from itertools import batched
from typing import Annotated

import msgspec
import typer

from tidemill_client import calling, terminal
from tidemill_client.client import MOST, Client
from tidemill_client.commands.options import AsJson
from tidemill_client.problems import sentence
from tidemill_contracts.jobs import Job, SubmitJob
from tidemill_contracts.problems import Problem


def batch(
    context: typer.Context,
    source: Annotated[
        typer.FileText,
        typer.Argument(help="One order in JSON on each line; `-` reads standard input."),
    ],
    *,
    key: Annotated[
        str | None,
        typer.Option("--key", help="Idempotency key: the same key and file make no job twice."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Submit a job for each line of a file; exit 1 if any was refused."""
    lines = [(number, line) for number, line in enumerate(source, 1) if line.strip()]
    orders = [(number, _order(number, line)) for number, line in lines]

    async def submit(client: Client) -> list[tuple[int, Job | Problem]]:
        answers: list[tuple[int, Job | Problem]] = []
        for part, some in enumerate(batched(orders, MOST, strict=False)):
            of_part = f"{key}/{part}" if key else None
            found = await client.submit_batch([o for _, o in some], idempotency_key=of_part)
            answers += zip([number for number, _ in some], found, strict=True)
        return answers

    answers = calling.run(context, submit)
    refused = [(n, answer) for n, answer in answers if isinstance(answer, Problem)]
    _show(answers, as_json=as_json)
    for number, problem in refused:
        terminal.note(f"line {number}: {sentence(problem)}")
    terminal.note(f"{len(answers) - len(refused)} accepted, {len(refused)} refused")
    raise typer.Exit(1 if refused else 0)


def _order(number: int, line: str) -> SubmitJob:
    try:
        return msgspec.json.decode(line, type=SubmitJob)
    except msgspec.DecodeError as error:
        raise typer.BadParameter(f"line {number}: {error}", param_hint="SOURCE") from error


def _show(answers: Iterable[tuple[int, Job | Problem]], *, as_json: bool) -> None:
    for _, answer in answers:
        if as_json:
            terminal.json_line(answer)
        elif isinstance(answer, Job):
            typer.echo(answer.id)
