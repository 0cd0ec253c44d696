"""What every service does with every request."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Controller, get, post
from litestar.params import JSONBody
from litestar.testing import TestClient

from tidemill_contracts.identity import RegisterUser, Role
from tidemill_kit.app import PUBLIC, RoleMissing, create_app
from tidemill_kit.errors import Conflict
from tidemill_kit.settings import Settings

UNKNOWN_FIELD = b'{"email":"a@b.c","password":"12345678","x":1}'


class TideTurned(Conflict):
    """The tide has turned."""


class Things(Controller):
    path = "/v1/things"

    @post(opt=PUBLIC)
    async def make(self, data: JSONBody[RegisterUser]) -> str:
        """Make."""
        return data.email

    @get("/turned", opt=PUBLIC)
    async def turned(self) -> None:
        """Refuse."""
        raise TideTurned("since noon", moon="full")

    @get("/broken", opt=PUBLIC)
    async def broken(self) -> None:
        """Break."""
        raise ZeroDivisionError("a secret detail")

    @get("/mine", opt={"role": Role.VIEWER})
    async def mine(self) -> None:
        """Need a token."""


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Any]]:
    app = create_app(Settings(), name="things", controllers=[Things])
    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened


def test_a_route_without_a_role_does_not_start() -> None:
    @get("/v1/open")
    async def forgotten() -> None:
        """Nobody said who may."""

    with pytest.raises(RoleMissing, match="forgotten"):
        create_app(Settings(), name="things", routes=[forgotten])


def test_an_error_is_a_problem_with_its_docstring_as_title(client: TestClient[Any]) -> None:
    answer = client.get("/v1/things/turned")

    assert answer.headers["content-type"].startswith("application/problem+json")
    assert (answer.status_code, answer.json()) == (
        409,
        {
            "type": "/docs/problems#tide_turned",
            "title": "The tide has turned.",
            "status": 409,
            "code": "tide_turned",
            "detail": "since noon",
            "moon": "full",
            "request_id": answer.headers["x-request-id"],
        },
    )


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/v1/things", b"{", 400, "bad_request"),
        ("POST", "/v1/things", b'{"email":1,"password":"12345678"}', 400, "bad_request"),
        (
            "POST",
            "/v1/things",
            b'{"email":"a@b.c","password":"12345678","x":1}',
            400,
            "bad_request",
        ),
        ("POST", "/v1/things", b" " * 1_100_000, 413, "too_large"),
        ("GET", "/v1/nothing", b"", 404, "not_found"),
        ("PUT", "/v1/things", b"", 405, "method_not_allowed"),
        ("GET", "/v1/things/mine", b"", 401, "not_signed_in"),
        ("GET", "/v1/things/broken", b"", 500, "internal_error"),
    ],
)
def test_every_refusal_is_a_problem_with_a_stable_code(
    client: TestClient[Any],
    method: str,
    path: str,
    body: bytes,
    status: int,
    code: str,
) -> None:
    answer = client.request(
        method,
        path,
        content=body,
        headers={"content-type": "application/json"},
    )

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_what_broke_is_logged_and_not_told(client: TestClient[Any]) -> None:
    answer = client.get("/v1/things/broken")

    assert "secret detail" not in answer.text


def test_a_field_that_does_not_fit_is_named(client: TestClient[Any]) -> None:
    answer = client.post("/v1/things", json={"email": "a@b.c", "password": "short"})

    assert answer.json()["errors"][0]["field"] == "password"
