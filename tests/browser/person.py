"""One person in one tab, for tests that follow one another; and a browser where nobody is."""

from collections.abc import AsyncGenerator

import pytest
from playwright.async_api import Browser, Page

from tests.browser.conftest import SHOTS
from tests.browser.visitor import Visitor
from tidemill_stack.stack import Stack


@pytest.fixture(scope="module")
async def visitor(stack: Stack, browser: Browser) -> AsyncGenerator[Visitor]:
    """The same person in the same tab, through all of it."""
    context = await browser.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(60_000)
    somebody = Visitor(await context.new_page(), stack.url, SHOTS)
    await somebody.sign_up()
    yield somebody
    await context.close()


@pytest.fixture
async def guest(browser: Browser) -> AsyncGenerator[Page]:
    """A browser in which nobody is signed in."""
    context = await browser.new_context()
    context.set_default_timeout(60_000)
    yield await context.new_page()
    await context.close()


@pytest.fixture(autouse=True)
async def nothing_to_complain_of(visitor: Visitor) -> AsyncGenerator[None]:
    yield
    assert visitor.complaints == []
