"""Prometheus metrics of a service."""

from litestar import get
from litestar.response import Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest

REQUESTS = Counter(
    "tidemill_http_requests_total",
    "Requests answered.",
    ("method", "route", "status"),
)
SECONDS = Histogram(
    "tidemill_http_request_seconds",
    "Time from the first byte of a request to the start of its answer.",
    ("route",),
)


@get("/metrics", opt={"role": None}, include_in_schema=False)
async def show() -> Response[bytes]:
    """All metrics in the text format of Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
