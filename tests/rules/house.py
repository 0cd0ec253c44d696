"""The house rules: each finds what breaks it in a file, and has an example that does."""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import PurePosixPath

from msgspec import Struct

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40
FORBIDDEN_NAMES = frozenset(
    {"utils", "helpers", "common", "base", "manager", "handler", "impl"}
    | {"abstract", "dto", "misc", "core"}
)
# here the word says something: what the password is
MEANT = frozenset({"PasswordTooCommon"})
FOR_EVER_S = 60
# processors for the tests of the child process: they are what is waited for
PROCESSORS_IN_TESTS = "tests/processor/child/own/"
# no test: it paces its load by the clock
BENCH = "tests/bench/"

type Finding = tuple[int, str]
type Function = ast.FunctionDef | ast.AsyncFunctionDef


class Source(Struct, frozen=True, dict=True):
    """A Python file of the repository."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def name(self) -> PurePosixPath:
        return PurePosixPath(self.path)

    @property
    def in_tests(self) -> bool:
        return self.path.startswith("tests/")

    @property
    def is_migration(self) -> bool:
        return "/migrations/" in self.path

    def all[N: ast.AST](self, *kinds: type[N]) -> Iterator[N]:
        return (node for node in ast.walk(self.tree) if isinstance(node, kinds))


class Rule(Struct, frozen=True):
    """A rule as a sentence, how to find what breaks it, and an example of that."""

    sentence: str
    find: Callable[[Source], Iterator[Finding]]
    broken: Source


def long_files(source: Source) -> Iterator[Finding]:
    lines = source.text.count("\n")
    if lines > MAX_FILE_LINES:
        yield MAX_FILE_LINES, f"{lines} lines"


def long_functions(source: Source) -> Iterator[Finding]:
    for function in source.all(ast.FunctionDef, ast.AsyncFunctionDef):
        lines = (function.end_lineno or 0) - function.lineno + 1
        if lines > MAX_FUNCTION_LINES and not source.is_migration:
            yield function.lineno, f"{function.name} has {lines} lines"


def environment_reads(source: Source) -> Iterator[Finding]:
    if source.in_tests or source.name.name == "settings.py":
        return
    for node in source.all(ast.Attribute):
        if ast.unparse(node) in ("os.environ", "os.getenv", "os.environb"):
            yield node.lineno, ast.unparse(node)


def prints(source: Source) -> Iterator[Finding]:
    for call in source.all(ast.Call):
        if ast.unparse(call.func) == "print":
            yield call.lineno, "print"


def forbidden_names(source: Source) -> Iterator[Finding]:
    parts = [part for step in source.name.parts for part in words(step.removesuffix(".py"))]
    if FORBIDDEN_NAMES & set(parts):
        yield 1, "the name of the file"
    for node in source.all(ast.ClassDef):
        if node.name not in MEANT and FORBIDDEN_NAMES & set(words(node.name)):
            yield node.lineno, node.name


def module_docstrings(source: Source) -> Iterator[Finding]:
    text = ast.get_docstring(source.tree)
    if text is None:
        yield 1, "no docstring"
    elif not is_one_sentence(first := text.partition("\n\n")[0]):
        yield 1, f"not one sentence: {first!r}"


def full_inits(source: Source) -> Iterator[Finding]:
    if source.name.name == "__init__.py" and len(source.tree.body) > 1:
        yield source.tree.body[1].lineno, "more than a docstring"


def bare_noqas(source: Source) -> Iterator[Finding]:
    for number, line in enumerate(source.text.splitlines(), 1):
        if (
            NOQA.search(line)
            and not REASONED_NOQA.search(line)
            and '"' not in line.partition("#")[2]
        ):
            yield number, line.partition("#")[2].strip()


def sleeps_in_tests(source: Source) -> Iterator[Finding]:
    """To yield (0) and to hang (for ever) are no waiting."""
    if not source.in_tests or source.path.startswith((PROCESSORS_IN_TESTS, BENCH)):
        return
    for call in source.all(ast.Call):
        if ast.unparse(call.func) in ("time.sleep", "asyncio.sleep", "sleep"):
            seconds = ast.unparse(call.args[0]) if call.args else ""
            if not seconds.isdecimal() or 0 < int(seconds) < FOR_EVER_S:
                yield call.lineno, ast.unparse(call)


def broad_excepts(source: Source) -> Iterator[Finding]:
    allowed = ("libs/kit/", "services/processor/tidemill_processor/")
    for handler in source.all(ast.ExceptHandler):
        if handler.type is None or ast.unparse(handler.type) in ("Exception", "BaseException"):
            raises = any(isinstance(node, ast.Raise) for node in ast.walk(handler))
            if not raises and not source.path.startswith(allowed):
                yield handler.lineno, "except Exception"


def relative_imports(source: Source) -> Iterator[Finding]:
    for node in source.all(ast.ImportFrom):
        if node.level:
            yield node.lineno, ast.unparse(node)


NOQA = re.compile(r"#\s*noqa")
REASONED_NOQA = re.compile(r"#\s*noqa: [A-Z0-9, ]+?\s+(-|#) \S")
WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


def words(name: str) -> list[str]:
    """`JobManager` and `job_manager` are `job` and `manager`."""
    return [word.lower() for word in WORD.findall(name)]


def is_one_sentence(text: str) -> bool:
    """A sentence ends where a full stop is followed by a capital."""
    return not re.search(r"[.!?]\s+[A-Z]", text)


def example(text: str, path: str = "services/jobs/tidemill_jobs/thing.py") -> Source:
    return Source(path, text)


RULES = [
    Rule("a file has at most 300 lines", long_files, example("x = 1\n" * 301)),
    Rule(
        "a function has at most 40 lines",
        long_functions,
        example("def f():\n" + "    x = 1\n" * 40),
    ),
    Rule(
        "the environment is read in settings alone",
        environment_reads,
        example("import os\nHOME = os.environ['HOME']\n"),
    ),
    Rule("nothing prints", prints, example("print('here')\n")),
    Rule("no name says nothing", forbidden_names, example("class JobManager: ...\n")),
    Rule("a module begins with one sentence", module_docstrings, example('"""One. Two."""\n')),
    Rule(
        "a package's own module holds a docstring alone",
        full_inits,
        example('"""Jobs."""\n\nfrom a import b\n', "services/jobs/tidemill_jobs/__init__.py"),
    ),
    Rule("what is not checked has a reason", bare_noqas, example("import a  # noqa: F401\n")),
    Rule(
        "tests wait for events, not for time",
        sleeps_in_tests,
        example("import time\ntime.sleep(0.5)\n", "tests/jobs/test_thing.py"),
    ),
    Rule(
        "only the kit and the processor's boundary catch everything",
        broad_excepts,
        example("try:\n    f()\nexcept Exception:\n    pass\n"),
    ),
    Rule("imports are absolute", relative_imports, example("from . import thing\n")),
]
