"""The same faults as in tests/faults under ten times the load, and lists of ten million jobs."""

import pytest

from tests.e2e import conftest as stories
from tests.faults import conftest as faults

others, register = faults.others, faults.register
ann = stories.ann


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--jobs", type=int, default=10_000_000, help="how many jobs lists are of")
    parser.addoption("--share", type=float, default=1.0, help="how much of the stream's full size")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests have measured."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{report.nodeid}: {name} = {value}")


@pytest.fixture(scope="session")
def size() -> int:
    """How many jobs a run has."""
    return 240
