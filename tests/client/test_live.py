"""Which ends of a socket are worth another try."""

import httpx
import pytest
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.frames import Close
from websockets.http11 import Response

from tidemill_client import problems
from tidemill_client.live import judge
from tidemill_client.problems import ApiProblem, StreamRefused, Unreachable
from tidemill_contracts.stream import CloseCode


def closed(code: int, reason: str = "") -> ConnectionClosedError:
    return ConnectionClosedError(Close(code, reason), None)


def answered(status: int) -> InvalidStatus:
    return InvalidStatus(Response(status, "", Headers()))


def refused(status: int) -> ApiProblem:
    return problems.read(httpx.Response(status))


@pytest.mark.parametrize(
    "error",
    [
        closed(CloseCode.RESTART),
        closed(CloseCode.TOO_SLOW, "resume from 1.7"),
        closed(1011),
        ConnectionClosedError(None, None),
        answered(503),
        answered(502),
        ConnectionResetError(),
        Unreachable("http://127.0.0.1:1"),
        refused(503),
        TimeoutError(),
    ],
)
def test_what_may_pass_is_tried_again(error: Exception) -> None:
    refusals = judge(error, 0)

    assert refusals == 0


@pytest.mark.parametrize("code", [CloseCode.FORBIDDEN, CloseCode.BAD_FRAME])
def test_what_would_end_the_same_way_is_an_error(code: int) -> None:
    with pytest.raises(StreamRefused, match="because"):
        judge(closed(code, "because"), 0)


@pytest.mark.parametrize("code", [CloseCode.TOKEN_EXPIRED, CloseCode.NOT_SIGNED_IN])
def test_a_refused_token_is_renewed_once(code: int) -> None:
    refusals = judge(closed(code), 0)

    assert refusals == 1
    with pytest.raises(StreamRefused):
        judge(closed(code), refusals)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_handshake_that_is_refused_is_an_error(status: int) -> None:
    with pytest.raises(StreamRefused) as refused:
        judge(answered(status), 0)

    assert refused.value.code == f"http_{status}"


def test_a_sign_in_that_cannot_be_renewed_is_an_error() -> None:
    with pytest.raises(ApiProblem):
        judge(refused(401), 0)
