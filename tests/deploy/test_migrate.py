"""The script that compose runs once makes what the services need, in an empty database."""

import sys
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.deploy.conftest import ROOT, execute
from tidemill_kit import migrate
from tidemill_stack.stack import Stack


@pytest.fixture(scope="module")
async def empty_database(infra: Stack) -> str:
    """The URL of a database without tables, on the same server."""
    connection = await asyncpg.connect(infra.postgres_url())
    await connection.execute("create database compose")
    await connection.close()
    return urlsplit(infra.postgres_url())._replace(path="/compose").geturl()


async def test_an_empty_database_gets_every_table_and_a_second_run_changes_nothing(
    infra: Stack, empty_database: str
) -> None:
    passwords = infra.credentials.postgres
    given = {f"TM_{name.upper()}_DB_PASSWORD": password for name, password in passwords.items()}
    given |= {"TM_ADMIN_DATABASE_URL": empty_database}

    runs = [execute(sys.executable, ROOT / "deploy" / "migrate.py", env=given) for _ in range(2)]

    assert [run.returncode for run in runs] == [0, 0], runs[0].stderr
    found = await migrate.status(empty_database)
    assert [row.service for row in found] == migrate.services()
    assert {(row.current == row.newest, row.pending) for row in found} == {(True, 0)}
