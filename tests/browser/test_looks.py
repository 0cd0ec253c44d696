"""Every page, filled: without barriers in both colours, within a narrow screen, in a picture."""

from pathlib import Path

from playwright.async_api import Page

from tests.browser.filled import DOORS, PAGES, fill
from tests.browser.visitor import Visitor

NARROW = 360
# what sticks out of the screen without a region that scrolls by itself
WIDTH = "document.documentElement.scrollWidth"


async def test_filled_pages_have_no_barriers_and_fit_a_narrow_screen(
    visitor: Visitor, real_files: Path
) -> None:
    page, made = visitor.page, await fill(visitor, real_files)
    paths = {name: path.format(**made) for name, path in PAGES.items()}

    found: list[str] = []
    for name, path in paths.items():
        await visitor.turn_to(path)
        found += await visitor.violations(name)
    await page.set_viewport_size({"width": NARROW, "height": 740})
    for name, path in paths.items():
        await visitor.turn_to(path)
        found += await too_wide(page, name, visitor.shots)

    assert found == []
    assert visitor.complaints == []


async def test_doors_have_no_barriers_and_fit_a_narrow_screen(page: Page, visitor: Visitor) -> None:
    await page.evaluate("localStorage.clear()")

    found: list[str] = []
    for name, path in DOORS.items():
        await page.set_viewport_size({"width": 1280, "height": 860})
        await page.goto(f"{visitor.url}{path}")
        await page.get_by_role("heading", level=1).wait_for()
        found += await visitor.violations(name)
        await page.set_viewport_size({"width": NARROW, "height": 740})
        found += await too_wide(page, name, visitor.shots)

    assert found == []


async def too_wide(page: Page, name: str, shots: Path) -> list[str]:
    """Whether it scrolls sideways; a picture of the whole page is kept."""
    await page.screenshot(path=shots / f"{name}-narrow.png", full_page=True)
    width = await page.evaluate(WIDTH)
    return [f"{name}: {width} pixels wide"] if width > NARROW else []
