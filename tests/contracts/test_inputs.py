"""What clients send: a field that is not known is an error, never ignored."""

from collections.abc import Iterable, Iterator
from typing import Any, get_args

from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from msgspec import Struct, inspect

from tidemill_contracts.jobs import CancelJob, Job, SubmitJob
from tidemill_contracts.stream import ClientFrame
from tidemill_kit.documents import services


def handlers() -> Iterator[HTTPRouteHandler]:
    for service in services.installed():
        for route in service.app.routes:
            if isinstance(route, HTTPRoute):
                yield from route.route_handlers


def structs(kind: Any) -> Iterator[type[Struct]]:
    """The Struct and all that it holds."""
    match kind:
        case inspect.StructType():
            yield kind.cls
            for field in kind.fields:
                yield from structs(field.type)
        case inspect.Metadata():
            yield from structs(kind.type)
        case inspect.UnionType():
            for each in kind.types:
                yield from structs(each)
        case inspect.ListType():
            yield from structs(kind.item_type)
        case inspect.DictType():
            yield from structs(kind.value_type)
        case _:
            return


def inputs() -> list[type[Struct]]:
    taken = [handler.parsed_data_field for handler in handlers()]
    kinds: list[Any] = [field.annotation for field in taken if field is not None]
    kinds += [CancelJob, *get_args(ClientFrame)]
    found = {each for kind in kinds for each in structs(inspect.type_info(kind))}
    return sorted(found, key=lambda each: each.__name__)


def loose(kinds: Iterable[type[Struct]]) -> list[str]:
    return [kind.__name__ for kind in kinds if not kind.__struct_config__.forbid_unknown_fields]


def test_inputs_refuse_fields_that_they_do_not_know() -> None:
    assert loose(inputs()) == []


def test_inputs_are_found_in_routes_and_in_each_other() -> None:
    found = {kind.__name__ for kind in inputs()}

    assert found >= {"SubmitJob", "StepSpec", "Timeouts", "RegisterUser", "Subscribe"}


def test_an_input_that_ignores_fields_is_seen() -> None:
    assert loose([SubmitJob, Job]) == ["Job"]
