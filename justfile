# Every command of the project.

generated := ".env.example docs services/dashboard/src/generated tests/contracts/samples"
npm := "uv run python -m tidemill_dashboard.npm"

[private]
default:
    @{{ just_executable() }} --list --unsorted

[doc("Start everything on this machine; Ctrl-C stops it")]
[group("run")]
up *options:
    uv run tidemill up {{ options }}

[doc("A throw-away system analyses real weather data, live")]
[group("run")]
demo:
    uv run tidemill demo

[doc("Bring the tables up or down: status, up, down")]
[group("run")]
migrate *arguments:
    uv run tidemill migrate {{ arguments }}

[doc("All that must hold before a commit")]
[group("check")]
check: fmt lint types rules test

[doc("Format the code")]
[group("check")]
fmt:
    uv run ruff format .

[doc("Lint code, imports, spelling and the container recipe")]
[group("check")]
lint:
    uv run ruff check .
    uv run lint-imports --no-logo
    uv run codespell
    uv run hadolint deploy/Dockerfile

[doc("Check the types, strictly")]
[group("check")]
types:
    uv run pyright

[doc("Check the house rules")]
[group("check")]
rules:
    uv run pytest tests/rules

[doc("Run all tests, or those of a path")]
[group("check")]
test *path:
    uv run pytest {{ path }}

[doc("Lint, type-check, test, build and weigh the dashboard")]
[group("check")]
web:
    {{ npm }} ci --no-audit --no-fund --ignore-scripts
    {{ npm }} run lint
    {{ npm }} run types
    {{ npm }} run test
    {{ npm }} run bundle
    {{ npm }} run size

[doc("Run the stories through the gateway")]
[group("check")]
e2e *options:
    uv run pytest tests/e2e {{ options }}

[doc("Measure this system and the plain stack people use today, by turns; M1 … M9, or all; M10 and processors beside Polars and pandas")]
[group("check")]
bench *options:
    uv run python -m tests.bench {{ options }}

[doc("Hurt the system under full load, audit every promise, list ten million jobs; takes long")]
[group("check")]
proof *options:
    uv run pytest tests/proof {{ options }}

[doc("Which lines tests run, all or those of a path")]
[group("check")]
coverage *path:
    uv run coverage run -m pytest {{ path }}
    uv run coverage combine --quiet
    uv run coverage report

[doc("Write documents and samples anew; fails if they were stale")]
[group("generate")]
verify: documents samples generated-types
    git diff --exit-code -- {{ generated }}
    test -z "$(git ls-files --others --exclude-standard -- {{ generated }})"

[doc("Write a new processor and its test into the folder you are in")]
[group("generate")]
new-processor name:
    uv run python -m tidemill_processor.new {{ name }} {{ quote(invocation_directory()) }}

[doc("Write OpenAPI, AsyncAPI, JSON Schema, settings and problems anew")]
[group("generate")]
documents:
    uv run python -m tidemill_kit.documents.generate

[doc("Write the dashboard's types of the API and the events anew")]
[group("generate")]
generated-types: documents
    {{ npm }} run generate

[doc("Write the golden samples of new events")]
[group("generate")]
samples:
    uv run python -m tests.contracts.samples

[doc("Show every variable that is read from the environment")]
[group("look")]
settings:
    @uv run python -m tidemill_kit.documents.generate --settings

[doc("Draw the imports of a package as DOT")]
[group("look")]
graph package="tidemill_jobs":
    @uv run import-linter drawgraph {{ package }}
