"""Every variable there is, as a table to read and as a file to start from."""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, get_args, get_origin

from msgspec import Meta, Struct, structs

from tidemill_kit import settings
from tidemill_kit.documents import deployment
from tidemill_kit.documents.services import Service

WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false"}
BOUNDS = (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))


class Variable(Struct, frozen=True):
    """One variable of the environment."""

    name: str
    kind: str
    default: str
    meaning: str
    secret: bool


class Group(Struct, frozen=True):
    """Variables with one reader."""

    title: str
    summary: str
    variables: list[Variable]


def groups(services: Iterable[Service]) -> list[Group]:
    shared = {field.name for field in structs.fields(settings.Settings)}
    return [
        Group("Every service", _summary(settings.Settings), _variables(settings.Settings)),
        *(
            Group(service.name.capitalize(), _summary(service.settings), own)
            for service in services
            if (own := _variables(service.settings, without=shared))
        ),
        *(
            Group(kind.__name__, _summary(kind), _variables(kind))
            for kind in (deployment.Stack, deployment.Gateway, deployment.Command)
        ),
    ]


def table(services: Iterable[Service]) -> str:
    return "\n".join(_table(services)) + "\n"


def example(services: Iterable[Service]) -> str:
    """A `.env` in which nothing is set."""
    return "\n".join(_example(services)) + "\n"


def _table(services: Iterable[Service]) -> Iterator[str]:
    yield "# Settings"
    yield ""
    yield "All of them are read once, at start, from the environment. Of a secret, marked *, the"
    yield "variable with `_FILE` behind its name may name a file that holds it."
    for group in groups(services):
        yield from ("", f"## {group.title}", "")
        yield from ([group.summary, ""] if group.summary else [])
        yield "| variable | takes | default | meaning |"
        yield "| --- | --- | --- | --- |"
        for each in group.variables:
            name = f"`{each.name}`{' *' if each.secret else ''}"
            default = f"`{each.default}`" if each.default else ""
            yield f"| {name} | {each.kind} | {default} | {each.meaning} |"


def _example(services: Iterable[Service]) -> Iterator[str]:
    yield "# Everything has a default. `tidemill up` reads this file as `.env`; take a # away to"
    yield "# change something. docs/reference/settings.md says more."
    for group in groups(services):
        yield from ("", f"# {group.title}")
        for each in group.variables:
            if "<" not in each.name:
                yield from (f"# {each.meaning}", f"#{each.name}={each.default}")


def _variables(kind: type[Struct], without: Iterable[str] = ()) -> list[Variable]:
    return [_variable(field) for field in structs.fields(kind) if field.name not in without]


def _variable(field: structs.FieldInfo) -> Variable:
    declared: Any = field.type
    meta: Meta = declared.__metadata__[0]
    name = field.name.replace("service_", "<service>_").upper()
    return Variable(
        name=f"{settings.PREFIX}{name}",
        kind=_kind(declared.__origin__, meta),
        default=f"{field.default:g}" if isinstance(field.default, float) else str(field.default),
        meaning=meta.description or "",
        secret=bool((meta.extra or {}).get("secret")),
    )


def _kind(kind: Any, meta: Meta) -> str:
    kind = getattr(kind, "__value__", kind)
    if get_origin(kind) is Literal:
        return ", ".join(get_args(kind))
    bounds = [f"{sign} {getattr(meta, at)}" for at, sign in BOUNDS if getattr(meta, at) is not None]
    return " ".join([WORDS[kind], *bounds])


def _summary(kind: type[Struct]) -> str:
    """The Struct's own sentence, if it has one."""
    return (kind.__dict__.get("__doc__") or "").partition("\n")[0]
