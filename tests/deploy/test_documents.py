"""What README, CONTRIBUTING and docs point to is there."""

import re
from pathlib import Path

import pytest

from tests.deploy.conftest import ROOT

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "decisions").glob("*.md")),
]
LINK = re.compile(r"\]\((?!https?:)([^)#]*)")
NAMED = re.compile(r"`((?:tests|docs|deploy|services|libs|contracts)/[\w./]+)`")


def missing(page: Path) -> list[str]:
    """The relative links and the paths of the repository that lead nowhere."""
    text = page.read_text()
    linked = [page.parent / target for target in LINK.findall(text)]
    named = [ROOT / path for path in NAMED.findall(text) if not path.startswith("deploy/secrets")]
    return [str(path) for path in (*linked, *named) if not path.exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_points_to_what_is_there(page: Path) -> None:
    assert missing(page) == []


def test_a_path_that_leads_nowhere_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[a](nowhere.md), [b](https://example.org) and `tests/nothing.py`")

    assert missing(page) == [str(tmp_path / "nowhere.md"), str(ROOT / "tests/nothing.py")]
