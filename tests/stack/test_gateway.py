"""The gateway in front of a real object store, with every service away."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import httpx
import pytest

from tidemill_stack import gateway
from tidemill_stack.child import Child
from tidemill_stack.gateway import Gateway
from tidemill_stack.stack import Stack


@pytest.fixture(scope="module")
async def site(servers: Stack, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[str]:
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "docs").mkdir()
    (folder / "docs" / "index.html").write_text("<h1>Tidemill</h1>")
    (folder / "openapi.json").write_text("{}")
    (folder / "assets").mkdir()
    (folder / "assets" / "index-1a2b.js").write_text("1")
    (folder / "index.html").write_text("<meta content='{{placeholder \"http.request.uuid\"}}'>")
    at = Gateway(port=servers.ports["gateway"])
    given = {"TM_DOCS_ROOT": str(folder), "TM_DASHBOARD_ROOT": str(folder)}
    component = gateway.component(folder, at, servers.ports, given, asks_identity=False)
    child = Child(component, folder, lambda: None)
    child.start()
    await child.ready(20)
    yield at.url
    await child.stop()


@pytest.fixture
async def http(site: str) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=site) as client:
        yield client


@pytest.fixture
async def listening(servers: Stack) -> AsyncIterator[None]:
    """Somebody in the services' place who reads a request to its end and hangs up."""

    async def hang_up(reader: StreamReader, writer: StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        with suppress(asyncio.IncompleteReadError):
            await reader.readexactly(length)
        writer.close()

    async with AsyncExitStack() as open_ones:
        for name in ("jobs", "ingestion"):
            server = await asyncio.start_server(hang_up, "127.0.0.1", servers.ports[name])
            await open_ones.enter_async_context(server)
        yield


@pytest.mark.parametrize(
    "path", ["/v1/me", "/v1/datasets", "/v1/jobs/batch", "/v1/stream", "/v1/anything", "/readyz"]
)
async def test_a_service_that_is_away_is_a_problem_with_a_time_to_retry(
    http: httpx.AsyncClient, path: str
) -> None:
    answer = await http.get(path, headers={"X-Request-Id": "my-request"})

    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "1"
    assert answer.json() == {
        "type": "/docs/problems#upstream_away",
        "title": "A service is away; try again in a moment.",
        "status": 503,
        "code": "upstream_away",
        "request_id": "my-request",
    }


@pytest.mark.parametrize(
    "path", ["/metrics", "/livez", "/v2/jobs", "/tidemill-other/x", "/docs/no"]
)
async def test_what_is_not_routed_is_a_problem(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize(
    ("path", "megabytes", "status"),
    [
        ("/v1/jobs", 2, 413),
        ("/v1/jobs/batch", 2, 503),
        ("/v1/jobs/batch", 17, 413),
        ("/v1/datasets", 17, 503),
    ],
)
async def test_each_route_takes_bodies_of_its_own_size(
    listening: None, http: httpx.AsyncClient, path: str, megabytes: int, status: int
) -> None:
    del listening

    answer = await http.post(path, content=b"x" * (megabytes * 1024 * 1024))

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_every_answer_carries_the_security_headers(http: httpx.AsyncClient) -> None:
    answers = [await http.get(path) for path in ("/docs/", "/openapi.json", "/v1/me", "/none")]

    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'self'; ")
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "server" not in answer.headers


async def test_the_documentation_is_served(http: httpx.AsyncClient) -> None:
    docs = await http.get("/docs/")

    assert docs.text == "<h1>Tidemill</h1>"


@pytest.mark.parametrize(("path", "accept"), [("/", "*/*"), ("/jobs/1", "text/html,*/*;q=0.8")])
async def test_every_address_a_browser_asks_for_is_the_dashboard_with_a_nonce_of_its_own(
    http: httpx.AsyncClient, path: str, accept: str
) -> None:
    first, second = [await http.get(path, headers={"Accept": accept}) for _ in range(2)]

    nonce = first.text.partition("'")[2].partition("'")[0]
    assert first.headers["content-type"].startswith("text/html")
    assert first.headers["cache-control"] == "no-cache"
    assert f"style-src 'self' 'nonce-{nonce}';" in first.headers["content-security-policy"]
    assert first.text != second.text


async def test_files_with_a_hash_in_their_names_are_kept_for_ever(http: httpx.AsyncClient) -> None:
    asset, lacking = await http.get("/assets/index-1a2b.js"), await http.get("/assets/none.js")

    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert lacking.status_code == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_the_object_store_is_reached_by_signed_links_only(
    http: httpx.AsyncClient, method: str
) -> None:
    answer = await http.request(method, "/tidemill-results/t/x")

    assert answer.status_code == 403
    assert answer.json()["code"] == "forbidden"


async def test_a_signed_link_works_through_the_gateway_and_drops_credentials(
    http: httpx.AsyncClient, site: str, store_for: Any
) -> None:
    store = await store_for("processor", site)
    name = {"Bucket": "tidemill-results", "Key": "t/linked"}
    credentials = {"Authorization": "Bearer mine", "Cookie": "mine=1"}

    put = await store.generate_presigned_url("put_object", Params=name)
    stored = await http.put(put, content=b"<script>", headers=credentials)
    get = await store.generate_presigned_url("get_object", Params=name)
    found = await http.get(get, headers=credentials)

    assert (stored.status_code, found.status_code, found.content) == (200, 200, b"<script>")
    assert found.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert "server" not in found.headers
