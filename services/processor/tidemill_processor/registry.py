"""How a function becomes a processor, and where processors are found."""

import importlib
import importlib.util
import inspect
import pkgutil
import re
import sys
import typing
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_origin, overload

import msgspec
import narwhals as nw
from msgspec import Struct

from tidemill_contracts.processors import ProcessorInfo, Returns, Takes
from tidemill_processor import processors
from tidemill_processor.run import DataError, LazyFrame, Run

type Function = Callable[..., Any]

SPEC = "__processor_spec__"
GROUP = "tidemill.processors"
NO_PARAMS: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}


class NotAProcessor(TypeError):
    """The function's signature or docstring does not make a processor."""


class NameTaken(ValueError):
    """Two processors have the same name."""


class Output(Struct, frozen=True):
    """What a processor returned; either part may be None."""

    frame: LazyFrame | None = None
    value: Any = None


class ProcessorSpec(Struct, frozen=True, kw_only=True):
    """All that is known of a processor; read off its signature, docstring and decorator."""

    name: str
    version: str = "1"
    summary: str
    function: Function
    takes: Takes
    returns: Returns
    input_type: Any
    value_type: Any
    params_type: type[Struct] | None
    params_schema: dict[str, Any]
    wants_run: bool
    pure: bool = False
    queue: str = "default"
    hidden: bool = False
    system: bool = False
    engines: tuple[str, ...] = ("polars",)

    @property
    def input_required(self) -> bool:
        """Whether there must be an input: a value of any type may also be none."""
        return self.takes is not Takes.NOTHING and self.input_type is not Any

    def decode_params(self, raw: Any) -> Struct | None:
        """The params Struct out of JSON builtins; absent members get their defaults."""
        if self.params_type is not None:
            return _convert(raw if raw is not None else {}, self.params_type, "params")
        if raw:
            raise DataError(f"{self.name} takes no params", code="invalid_params")
        return None

    def decode_value(self, raw: Any) -> Any:
        """The input value out of JSON builtins, strictly of the type the function asks for."""
        return _convert(raw, self.input_type, "input")

    def apply(self, given: Any, params: Any = None, run: Run | None = None) -> Output:
        """Call the function on a lazy frame or on JSON builtins; params are JSON builtins, too.

        Input and params that do not fit raise DataError before the function is called. Only a
        processor that `wants_run` needs the run.
        """
        named: dict[str, Any] = {}
        if (decoded := self.decode_params(params)) is not None:
            named["params"] = decoded
        if self.wants_run:
            named["run"] = run
        taken: tuple[Any, ...] = ()
        if self.takes is not Takes.NOTHING:
            taken = (given if self.takes is Takes.DATASET else self.decode_value(given),)
        returned = self.function(*taken, **named)
        if self.returns is Returns.BOTH:
            return Output(*returned)
        return Output(frame=returned) if self.returns is Returns.DATASET else Output(value=returned)


def _convert(raw: Any, into: Any, what: str) -> Any:
    try:
        return msgspec.convert(raw, into)
    except msgspec.ValidationError as error:
        raise DataError(str(error), code=f"invalid_{what}") from error


@overload
def processor[F: Function](function: F, /) -> F: ...
@overload
def processor[F: Function](
    *,
    name: str | None = None,
    version: str = "1",
    pure: bool = False,
    queue: str = "default",
    hidden: bool = False,
    system: bool = False,
    engines: tuple[str, ...] = ("polars",),
) -> Callable[[F], F]: ...
def processor(function: Function | None = None, /, **options: Any) -> Any:
    """Make a function a processor; it stays callable as it is.

    `pure` promises: tiny, no I/O, no side effect, no `run`; such steps run hundreds a trip.
    """

    def mark(marked: Function) -> Function:
        setattr(marked, SPEC, _spec(marked, **options))
        return marked

    return mark if function is None else mark(function)


def _spec(function: Function, **options: Any) -> ProcessorSpec:
    name = options.pop("name", None) or function.__name__
    hints = typing.get_type_hints(function, include_extras=True)
    if "return" not in hints:
        raise NotAProcessor(f"{name}: say what it returns, None if nothing")
    returns, value_type = _returned(hints.pop("return"))
    params_type = hints.pop("params", None)
    wants_run = hints.pop("run", None) is not None
    names = [each for each in inspect.signature(function).parameters if each in hints]
    if len(names) > 1:
        raise NotAProcessor(f"{name}: one input, `params` and `run` are all it can take")
    input_type = hints[names[0]] if names else None
    takes = Takes.NOTHING if not names else _taken(input_type)
    of_values = takes is not Takes.DATASET and returns in (Returns.VALUE, Returns.NOTHING)
    if options.get("pure") and (wants_run or not of_values):
        raise NotAProcessor(f"{name}: a pure processor knows values only, no frame and no run")
    return ProcessorSpec(
        name=name,
        summary=_summary(name, function),
        function=function,
        takes=takes,
        returns=returns,
        input_type=input_type,
        value_type=value_type,
        params_type=params_type,
        params_schema=_schema(name, params_type),
        wants_run=wants_run,
        **options,
    )


def _is_frame(hint: Any) -> bool:
    return hint is nw.LazyFrame or get_origin(hint) is nw.LazyFrame


def _taken(hint: Any) -> Takes:
    return Takes.DATASET if _is_frame(hint) else Takes.VALUE


def _returned(hint: Any) -> tuple[Returns, Any]:
    if hint is None or hint is type(None):
        return Returns.NOTHING, None
    if _is_frame(hint):
        return Returns.DATASET, None
    parts = get_args(hint)
    if get_origin(hint) is tuple and len(parts) == len(("frame", "value")) and _is_frame(parts[0]):
        return Returns.BOTH, parts[1]
    return Returns.VALUE, hint


def _summary(name: str, function: Function) -> str:
    """The first sentence of the docstring."""
    text = " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())
    if not text:
        raise NotAProcessor(f"{name}: a docstring says what it does")
    return re.split(r"(?<=[.!?])\s", text, maxsplit=1)[0]


def _schema(name: str, params_type: Any) -> dict[str, Any]:
    if params_type is None:
        return NO_PARAMS
    if (
        not issubclass(params_type, Struct)
        or not params_type.__struct_config__.forbid_unknown_fields
    ):
        raise NotAProcessor(f"{name}: params is a Struct with forbid_unknown_fields=True")
    schema = msgspec.json.schema(params_type)
    definitions = schema["$defs"]
    root = definitions.pop(schema["$ref"].removeprefix("#/$defs/"))
    return root | {"$defs": definitions} if definitions else root


def load(paths: Iterable[Path] = ()) -> dict[str, ProcessorSpec]:
    """Every processor by name: the built-in ones, those of installed packages, those in `paths`.

    Files in the given folders are executed anew each time, so a changed file is seen; those of
    pytest are left out. What one of them raises while being imported goes to the caller.
    """
    found: dict[str, ProcessorSpec] = {}
    for spec in (*_built_in(), *_installed(), *(each for path in paths for each in _in(path))):
        taken = found.setdefault(spec.name, spec)
        if taken.function is not spec.function:
            raise NameTaken(f"{spec.name}: {_origin(taken)} and {_origin(spec)}")
    return found


def describe(spec: ProcessorSpec) -> ProcessorInfo:
    """What others may know of a processor."""
    return msgspec.convert(spec, ProcessorInfo, from_attributes=True)


def _origin(spec: ProcessorSpec) -> str:
    return inspect.getsourcefile(spec.function) or spec.function.__module__


def _built_in() -> Iterator[ProcessorSpec]:
    for module in pkgutil.iter_modules(processors.__path__, f"{processors.__name__}."):
        yield from _of(importlib.import_module(module.name))


def _installed() -> Iterator[ProcessorSpec]:
    for point in entry_points(group=GROUP):
        loaded = point.load()
        if isinstance(loaded, ModuleType):
            yield from _of(loaded)
        elif isinstance(spec := getattr(loaded, SPEC, None), ProcessorSpec):
            yield spec
        else:
            raise NotAProcessor(f"{point.value}: neither a module nor a processor")


def _in(folder: Path) -> Iterator[ProcessorSpec]:
    for file in sorted(folder.glob("*.py")):
        if file.name.startswith("test_") or file.name == "conftest.py":
            continue
        name = f"tidemill_found.{file.stem}"
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            continue
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        yield from _of(module)


def _of(module: ModuleType) -> Iterator[ProcessorSpec]:
    """The processors defined in a module, not those it imports."""
    for each in vars(module).values():
        spec = getattr(each, SPEC, None)
        if isinstance(spec, ProcessorSpec) and spec.function.__module__ == module.__name__:
            yield spec
