"""What goes wrong, as RFC 9457 problem details."""

from msgspec import UNSET, Struct, UnsetType


class FieldError(Struct, frozen=True):
    """One field that does not fit; `field` is a path such as `steps.0.params.factor`."""

    field: str
    message: str


class Problem(Struct, frozen=True, kw_only=True):
    """The body of every refusal; `code` is stable, `title` and `detail` are for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str | UnsetType = UNSET
    request_id: str
    errors: list[FieldError] | UnsetType = UNSET
