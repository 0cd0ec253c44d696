"""What the README shows is run as it stands there; only the port is another one."""

import asyncio
import re
import shutil
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path
from string import Template

import pytest

from tests.builders import PATIENCE_S
from tests.e2e.documents import ROOT, Block, blocks
from tests.e2e.people import PASSWORD
from tidemill_client.client import Client
from tidemill_stack.stack import Stack

README = blocks("README.md")
SHELL = [block for block in README if block.language == "sh"]
READER = "grace@example.com"
SHOWN_ADDRESS = "127.0.0.1:8080"
RUN_ELSEWHERE = {
    "pip install uv && uv run tidemill demo": "test_demo.py",
    "pip install uv && uv run pytest": "this very run",
    "uv run tidemill up --port 8080": "tests/stack/test_up.py, with another port",
    "uv run python deploy/make_secrets.py": "tests/stack/test_secrets.py",
    "docker compose up --build --wait": "needs Docker",
}


def told(stack: Stack, block: Block) -> str:
    return block.text.replace(SHOWN_ADDRESS, stack.url.removeprefix("http://"))


async def output_of(*command: str, folder: Path, **environment: str) -> str:
    """All that it says, if a password is typed where it asks for one; it must end well."""
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={"PATH": path, "HOME": str(folder), "LANG": "C.UTF-8", **environment},
        stdin=PIPE,
        stdout=PIPE,
        stderr=STDOUT,
    )
    async with asyncio.timeout(PATIENCE_S):
        out, _ = await process.communicate(f"{PASSWORD}\n{PASSWORD}\n".encode())
    assert process.returncode == 0, out.decode()
    return out.decode()


async def test_the_first_job_with_curl_gives_its_result(stack: Stack, tmp_path: Path) -> None:
    (block,) = [each for each in SHELL if "curl" in each.text]

    said = await output_of("bash", "-euo", "pipefail", "-c", told(stack, block), folder=tmp_path)

    assert said.endswith("20")
    assert "The answer is `20`" in (ROOT / "README.md").read_text(encoding="utf-8")


async def test_the_first_job_with_python_is_watched_to_its_end(
    stack: Stack, tmp_path: Path
) -> None:
    (first,) = [each for each in SHELL if "curl" in each.text]
    (block,) = [each for each in README if each.language == "python"]
    await output_of("bash", "-c", told(stack, first), folder=tmp_path)

    said = await output_of(sys.executable, "-c", told(stack, block), folder=tmp_path)

    assert "job.submitted" in said
    assert said.splitlines()[-2].endswith("job.succeeded")
    assert said.splitlines()[-1] == "20"


async def test_every_command_line_is_run_here_or_said_to_be_run_elsewhere(
    stack: Stack, real_files: Path, tmp_path: Path
) -> None:
    lines = [line for each in SHELL if "curl" not in each.text for line in each.commands]
    shutil.copy(real_files / "seattle-weather.csv", tmp_path / "weather.csv")
    ids: dict[str, str] = {}

    for line in lines:
        if line in RUN_ELSEWHERE:
            continue
        assert line.startswith("uv run tidemill "), f"{line}: nothing runs it"
        command = Template(re.sub(r"\b(DATASET|JOB)\b", r"$\1", line.removeprefix("uv run ")))
        await output_of("sh", "-c", command.substitute(ids), folder=tmp_path, TM_URL=stack.url)
        ids = await newest(stack)

    assert set(RUN_ELSEWHERE) <= set(lines)
    assert (tmp_path / "normalized.csv").read_text().startswith("date,precipitation,")


async def newest(stack: Stack) -> dict[str, str]:
    """What a reader would put in for the words in capitals."""
    async with Client(stack.url) as client:
        await client.sign_in(READER, PASSWORD)
        datasets, jobs = await client.datasets(), await client.jobs()
    found = {"DATASET": datasets.items, "JOB": jobs.items}
    return {name: str(items[0].id) for name, items in found.items() if items}


@pytest.mark.parametrize("page", ["README.md"])
def test_links_to_files_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    files = {link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link}

    assert [link for link in sorted(files) if not (ROOT / link).exists()] == []
