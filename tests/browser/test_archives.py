"""A job of another system, looked at in the dashboard."""

from pathlib import Path

from playwright.async_api import expect

from tests.browser.visitor import Visitor
from tests.recordings import JOB, parts, written


async def test_a_jobs_file_is_shown_as_it_ended_and_as_it_was(
    visitor: Visitor, tmp_path: Path
) -> None:
    page = visitor.page
    await visitor.go("/archives")
    await page.locator("input[type=file]").set_input_files(written(tmp_path / "job.zip", parts()))
    await expect(page.locator("[data-status=cancelled]").first).to_be_visible(timeout=60_000)
    barriers = await visitor.violations("archive")

    await page.get_by_role("slider").press("Home")

    await expect(page.locator("[data-status=queued]").first).to_be_visible()
    await page.get_by_role("link", name="Archives").click()
    await expect(page.locator(f"[data-item='{JOB}']")).to_contain_text("add")
    assert barriers + await visitor.violations("archives") == []
    await page.get_by_role("link", name="add").click()
    await page.get_by_role("button", name="Forget").click()
    await page.get_by_role("button", name="Forget the archive").click()
    await expect(page.get_by_text("No archives yet")).to_be_visible()
    assert visitor.complaints == []
