"""Lists by the page: where the next one is."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from litestar import Request
from litestar.response import Response

from tidemill_contracts.pages import Page


def page_of[T](
    request: Request[Any, Any, Any],
    found: Sequence[T],
    limit: int,
    cursor: Callable[[T], object],
) -> Response[Page[T]]:
    """The first `limit` of what was found; one more means that another page follows.

    `cursor` tells of the last item on a page where the next page begins.
    """
    items = list(found[:limit])
    following = str(cursor(items[-1])) if len(found) > limit else None
    return Response(Page(items, following), headers=next_page(request, following))


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
