"""Lists by the page: where the next one is."""

from typing import Any
from urllib.parse import urlencode

from litestar import Request


def next_page(
    request: Request[Any, Any, Any],
    following: str | None,
    *,
    name: str = "cursor",
) -> dict[str, str]:
    """The next page of what was asked for, as a Link header (RFC 8288); none behind the last."""
    if following is None:
        return {}
    query = request.url.query_params
    query[name] = following
    return {"Link": f'<{request.url.path}?{urlencode([*query.multi_items()])}>; rel="next"'}
