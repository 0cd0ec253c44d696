"""What is documented is what the gateway serves."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tidemill_stack.stack import Stack

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
API: Any = msgspec.json.decode((REFERENCE / "openapi.json").read_bytes())
OPERATIONS = [
    pytest.param(method, path, operation, id=operation["operationId"])
    for path, operations in API["paths"].items()
    for method, operation in operations.items()
]


@pytest.fixture(scope="session")
async def stranger(stack: Stack) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=stack.url, timeout=30) as client:
        yield client


@pytest.mark.parametrize("name", ["openapi.json", "asyncapi.json"])
async def test_the_documents_are_served(stranger: httpx.AsyncClient, name: str) -> None:
    answer = await stranger.get(f"/{name}")

    assert answer.content == (REFERENCE / name).read_bytes()


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/docs/style.css", "/docs/problems", "/docs/stream", "/docs/stream.js"]
)
async def test_the_pages_are_served(stranger: httpx.AsyncClient, path: str) -> None:
    answer = await stranger.get(path, follow_redirects=True)

    assert answer.status_code == 200
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
async def test_a_documented_operation_asks_strangers_to_sign_in_unless_it_is_public(
    stranger: httpx.AsyncClient, method: str, path: str, operation: Any
) -> None:
    answer = await stranger.request(method, path.format_map(Anything()))

    assert (answer.status_code == 401) == bool(operation["security"])
    assert answer.status_code not in (404, 405)


class Anything(dict[str, str]):
    """An id for every parameter of a path."""

    def __missing__(self, name: str) -> str:
        return "01920000-0000-7000-8000-000000000001"
