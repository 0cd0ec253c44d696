"""A browser in front of the real system; without one, or a page, these tests say so and skip."""

import importlib.util
import os
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import NoReturn

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.browser.visitor import Visitor
from tidemill_dashboard.site import ROOT
from tidemill_stack.stack import Stack

CHROMIUM = shutil.which("chromium")
SHOTS = Path(__file__).parents[2] / "build" / "screenshots"


def without(missing: str) -> NoReturn:
    """What a machine of one's own may lack must be there where everything is checked."""
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="session")
async def browser() -> AsyncGenerator[Browser]:
    if CHROMIUM is None:
        without("chromium is not installed: apt-get install chromium")
    if not (ROOT / "index.html").is_file():
        without("the dashboard is not built: uv sync --reinstall-package tidemill-dashboard")
    async with async_playwright() as started:
        opened = await started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        await opened.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncGenerator[Page]:
    context = await browser.new_context(
        viewport={"width": 1280, "height": 860}, reduced_motion="reduce"
    )
    context.set_default_timeout(60_000)
    yield await context.new_page()
    await context.close()


@pytest.fixture(scope="session")
def real_files() -> Path:
    """The folder of real data sets that the `vega_datasets` wheel brings."""
    found = importlib.util.find_spec("vega_datasets")
    assert found
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "_data"


@pytest.fixture
async def visitor(stack: Stack, page: Page) -> Visitor:
    """Somebody new, signed up and live."""
    somebody = Visitor(page, stack.url, SHOTS)
    await somebody.sign_up()
    return somebody
