"""The same systems and the same faults as in tests/faults, under ten times the load."""

import pytest

from tests.faults import conftest as faults

hurt, others, register = faults.hurt, faults.others, faults.register


@pytest.fixture(scope="session")
def size() -> int:
    """How many jobs a run has."""
    return 240
