"""Generated documents: fresh, valid, complete."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.contracts import samples
from tests.contracts.conftest import Complaints
from tidemill_kit.documents import generate

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
SITE = ROOT / "docs" / "site"
SERVED = ROOT / "libs" / "stack" / "tidemill_stack" / "site" / "docs"
MADE = frozenset({"__pycache__", "dist", "node_modules"})
FOREIGN = re.compile(r"https?://|[\"']//|<script>|\s(style|on\w+)=")
VARIABLE = re.compile(r"\bTM_[A-Z0-9_]+[A-Z0-9]\b")
GENERIC = re.compile(r"(IDENTITY|INGESTION|JOBS|NOTIFIER|PROCESSOR)(?=_(DB|PASSWORD|UPSTREAM))")


def operations(api: Any) -> Iterator[Any]:
    for path in api["paths"].values():
        yield from path.values()


def written(folder: Path) -> Iterator[Path]:
    """The files of a folder without what was installed or built there."""
    for place, folders, files in folder.walk():
        folders[:] = [name for name in folders if name not in MADE]
        yield from (place / name for name in files)


@pytest.fixture(scope="session")
def documents() -> dict[str, str]:
    return generate.render(ROOT)


@pytest.fixture(scope="session")
def api(documents: dict[str, str]) -> Any:
    return msgspec.json.decode(documents["docs/reference/openapi.json"])


def test_generated_documents_are_fresh(documents: dict[str, str]) -> None:
    stale = [path for path, text in documents.items() if (ROOT / path).read_text() != text]

    assert stale == [], "run `just verify`"


def test_the_api_is_valid_openapi(api: Any) -> None:
    assert list(OpenAPIV31SpecValidator(api).iter_errors()) == []


def test_every_operation_has_a_name_of_its_own(api: Any) -> None:
    names = [operation["operationId"] for operation in operations(api)]

    assert len(names) == len(set(names))


def test_every_refusal_is_a_problem(api: Any) -> None:
    refusal = {"$ref": "#/components/responses/Problem"}

    assert all(operation["responses"]["default"] == refusal for operation in operations(api))


def test_every_operation_says_who_may_call_it(api: Any) -> None:
    assert all("security" in operation for operation in operations(api))


def test_every_operation_and_the_page_are_at_the_gateway(api: Any) -> None:
    assert all(path.startswith(("/v1/", "/.well-known/")) for path in api["paths"])


@pytest.mark.parametrize("sample", samples.known(), ids=lambda path: path.stem)
def test_a_sample_fits_the_schema_of_events(sample: Path) -> None:
    schema = msgspec.json.decode((REFERENCE / "events.schema.json").read_bytes())

    jsonschema_rs.validator_for(schema).validate(msgspec.json.decode(sample.read_bytes()))


def test_the_events_are_valid_asyncapi(complaints: Complaints) -> None:
    assert complaints(REFERENCE / "asyncapi.json") == []


def test_an_invalid_asyncapi_is_seen(complaints: Complaints, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"asyncapi": "3.0.0", "channels": {"a": {"messages": 1}}}')

    assert complaints(broken) != []


def test_every_variable_is_in_the_table(documents: dict[str, str]) -> None:
    folders = [ROOT / name for name in ("contracts", "libs", "services", "deploy")]
    texts = [path.read_text(errors="ignore") for folder in folders for path in written(folder)]
    named = {name for text in texts for name in VARIABLE.findall(text)} - {"TM_X_FILE"}

    generic = {GENERIC.sub("<SERVICE>", name.removesuffix("_FILE")) for name in named}

    table = documents[generate.SETTINGS]
    assert sorted(name for name in generic if f"`{name}`" not in table) == []


def test_a_code_has_one_status(documents: dict[str, str]) -> None:
    codes = re.findall(r"^\| `(\w+)`", documents["docs/reference/problems.md"], re.MULTILINE)

    assert len(codes) == len(set(codes))


def test_the_stack_serves_every_page() -> None:
    pages = [path for path in SITE.rglob("*") if path.is_file()]

    assert pages
    assert all((SERVED / page.relative_to(SITE)).read_text() == page.read_text() for page in pages)


def test_pages_load_nothing_from_elsewhere_and_run_nothing_inline() -> None:
    texts = {path.name: path.read_text() for path in SITE.rglob("*") if path.is_file()}

    assert [name for name, text in texts.items() if FOREIGN.search(text)] == []


@pytest.mark.parametrize(
    "text", ['<script src="//cdn/x.js">', "<p style='a'>", "<script>1</script>", "url(http://x)"]
)
def test_a_page_that_would_is_seen(text: str) -> None:
    assert FOREIGN.search(text)
