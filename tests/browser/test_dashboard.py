"""The dashboard as a person uses it, on the real system."""

from pathlib import Path

from playwright.async_api import expect

from tests.browser.visitor import Visitor
from tidemill_stack.stack import Stack


async def test_a_file_becomes_a_dataset_and_its_anomalies_a_chart(
    visitor: Visitor, real_files: Path
) -> None:
    page = visitor.page
    await visitor.go("/datasets")
    await page.locator("input[type=file]").set_input_files(real_files / "seattle-weather.csv")
    row = page.locator("[data-item]")
    await expect(row.locator("[data-status=ready]")).to_be_visible(timeout=60_000)
    dataset = await row.get_attribute("data-item")

    await visitor.go(f"/jobs/new?processor=detect_anomalies&dataset={dataset}")
    await page.get_by_role("button", name="Submit").click()

    await expect(page.get_by_test_id("anomalies")).to_contain_text("1,461 rows", timeout=60_000)
    await expect(page.get_by_role("region", name="First rows")).to_contain_text("2012-01-01")
    assert visitor.complaints == []


async def test_a_running_job_is_followed_through_a_reload_and_cancelled(visitor: Visitor) -> None:
    page = visitor.page
    job = await visitor.submit(processor="wait", params={"seconds": 60})
    await visitor.go(f"/jobs/{job}")
    await expect(page.locator("[data-status=running]").first).to_be_visible(timeout=60_000)

    await page.reload()
    await visitor.live()
    await page.get_by_role("button", name="Cancel", exact=True).click()
    await page.get_by_role("button", name="Cancel the job").click()

    await expect(page.locator("[data-status=cancelled]").first).to_be_visible(timeout=60_000)


async def test_a_pipeline_shows_its_partial_results_and_any_moment_of_its_past(
    visitor: Visitor,
) -> None:
    page = visitor.page
    await visitor.go("/jobs/new?pipeline=arithmetic")
    await page.get_by_text("Value", exact=True).click()
    await page.get_by_label("Value", exact=True).last.fill("9007199254740993")
    await page.get_by_role("button", name="Submit").click()
    await expect(page.get_by_test_id("value-subtract")).to_have_text(
        "→ 18014398509481986", timeout=60_000
    )

    await page.get_by_role("slider").press("Home")

    await expect(page.get_by_test_id("value-subtract")).to_be_hidden()
    await expect(page.get_by_role("button", name="Back to now")).to_be_enabled()


async def test_the_slider_shows_what_the_server_says_the_job_was(visitor: Visitor) -> None:
    job = await visitor.submit(processor="fail", params={"kind": "data"})
    await visitor.go(f"/jobs/{job}")
    shown = visitor.page.locator("main [data-status]").first
    await expect(shown).to_have_attribute("data-status", "failed", timeout=60_000)

    log = (await visitor.read("/v1/events", job_id=job))["items"]
    for place, each in enumerate(log, start=1):
        was = await visitor.read(f"/v1/jobs/{job}", at=each["cursor"])
        await visitor.go(f"/jobs/{job}?at={place}")

        await expect(shown).to_have_attribute("data-status", was["status"])


async def test_a_killed_notifier_loses_nothing_that_is_seen(visitor: Visitor, stack: Stack) -> None:
    page = visitor.page
    await visitor.go("/jobs")
    stack.kill("notifier")
    job = await visitor.submit(processor="add", params={"amount": 1}, value=1)

    await expect(page.locator(f"[data-job='{job}'] [data-status=succeeded]")).to_be_visible(
        timeout=60_000
    )
    await visitor.live()
