"""What a command decides, and how whoever asked gets to know of it."""

from collections.abc import Sequence
from typing import Any

from tidemill_jobs.book import Book
from tidemill_jobs.commands import Command
from tidemill_kit.errors import TidemillError


def decide(command: Command, book: Book) -> Any:
    try:
        return command.decide(book)
    except TidemillError as error:
        return error


def answer(command: Command, outcome: Any) -> None:
    if command.answer.done():
        return
    if isinstance(outcome, BaseException):
        command.answer.set_exception(outcome)
    else:
        command.answer.set_result(outcome)


def refuse_data(command: Command) -> None:
    try:
        command.refuse_data()
    except TidemillError as error:
        answer(command, error)


def fail(group: Sequence[Command], error: Exception) -> None:
    for command in group:
        answer(command, error)
