"""Every button that has to do with work is pressed, by one person; what it promises comes true."""

from pathlib import Path

from playwright.async_api import expect

from tests.browser.conftest import browser, real_files
from tests.browser.person import nothing_to_complain_of, visitor
from tests.browser.visitor import Visitor
from tests.notifier.webhooks.conftest import Receiver
from tidemill_client.client import Client

__all__ = ["browser", "nothing_to_complain_of", "real_files", "visitor"]


async def test_a_webhook_is_tried_replayed_changed_switched_off_and_deleted(
    visitor: Visitor,
) -> None:
    page = visitor.page
    job = await visitor.submit(processor="add", params={"amount": 1}, value=1)
    async with Receiver.open() as receiver:
        await visitor.go("/webhooks")
        await visitor.press("New webhook")
        await page.get_by_label("Address").fill(receiver.url)
        await visitor.press("Make the webhook")
        await visitor.secret()
        await page.get_by_role("link", name=receiver.url).click()

        await visitor.press("Test")
        await expect(page.get_by_text("It answered 200")).to_be_visible()
        await visitor.press("Replay", "Send it again")
        await receiver.until(lambda found: any(job in str(each.body) for each in found))
        event = page.get_by_role("button", name="job.submitted").first
        while not await event.is_visible():
            await visitor.press("Look again")
        await event.click()
        await expect(page.get_by_text("· 200 ·").first).to_be_visible()
        await visitor.press("New secret", "Make a new secret")
        assert (await visitor.secret()).startswith("whsec_")

        await visitor.press("Switch off", "Switch it off")
        await visitor.press("Switch on", "Switch it on")
        await visitor.press("Edit")
        await page.get_by_label("Description").fill("for the night")
        await visitor.press("Store")
        await visitor.press("Delete", "Delete the webhook")

    await expect(page.get_by_role("heading", name="Webhooks")).to_be_visible()
    await expect(page.get_by_role("link", name=receiver.url)).to_be_hidden()


async def test_a_schedule_is_paused_resumed_changed_run_and_deleted(visitor: Visitor) -> None:
    page = visitor.page
    order = {"name": "hourly", "cron": "0 * * * *", "job": {"processor": "random_number"}}
    made = await visitor.made("/v1/schedules", order)
    await visitor.go(f"/schedules/{made['id']}")

    await visitor.press("Pause")
    await page.get_by_label("Why").fill("the night is quiet")
    await visitor.press("Pause the schedule")
    await expect(page.get_by_text("the night is quiet")).to_be_visible()
    await visitor.press("Resume")
    await expect(page.locator("[data-status=active]")).to_be_visible()
    await page.get_by_role("tab", name="Edit").click()
    await page.get_by_role("textbox", name="Cron").fill("30 4 * * *")
    await visitor.press("Store")
    await expect(page.get_by_text("The schedule is stored.")).to_be_visible()
    await expect(page.get_by_text("30 4 * * *").first).to_be_visible()
    await visitor.press("Run now")
    await expect(page.locator("[data-status=succeeded]").first).to_be_visible()

    await visitor.go(f"/schedules/{made['id']}")
    await expect(page.locator("[data-item]")).to_have_count(1)
    await visitor.press("Delete", "Delete the schedule")
    await expect(page.get_by_text("No schedules yet")).to_be_visible()


async def test_a_failed_job_is_retried_edited_and_deleted(visitor: Visitor) -> None:
    page = visitor.page
    job = await visitor.submit(processor="fail", params={"kind": "data"}, labels={"team": "sea"})
    await visitor.go(f"/jobs/{job}")
    await visitor.press("Retry")
    await expect(page.get_by_role("link", name=f"retry of {job[-8:]}")).to_be_visible()
    await expect(page.locator("[data-status=failed]").first).to_be_visible()

    await visitor.press("More")
    await page.get_by_role("menuitem", name="Edit and submit").click()
    await page.get_by_label("attempts", exact=True).fill("0")
    await visitor.press("Submit")
    await expect(page.get_by_role("button", name="Retry")).to_be_visible()
    await expect(page.get_by_text("team=sea").first).to_be_visible()
    await visitor.press("Delete", "Delete the job")

    await expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    await expect(page.locator("[data-job]")).not_to_have_count(0)


async def test_a_pipeline_is_drawn_stored_run_resumed_and_deleted(visitor: Visitor) -> None:
    page, field = visitor.page, visitor.page.locator("input[aria-haspopup]")
    await visitor.go("/pipelines/new")
    await page.get_by_role("textbox", name="Name").fill("twice")
    for number in ("add", "multiply"):
        await field.and_(page.get_by_label("Add a step")).click()
        await page.get_by_role("option", name=number, exact=True).click()
        parameter = "Amount" if number == "add" else "Factor"
        await page.get_by_label(parameter).fill("3")
    await visitor.press("Save")
    await expect(page.get_by_text("The pipeline is stored.")).to_be_visible()

    await page.get_by_role("link", name="Run").click()
    await page.get_by_text("Value", exact=True).click()
    await page.get_by_label("Value", exact=True).last.fill("4")
    await visitor.press("Submit")
    await expect(page.get_by_test_id("value-multiply")).to_have_text("→ 21")
    await visitor.press("More")
    await page.get_by_role("menuitem", name="multiply").click()
    await expect(page.get_by_text("retry of")).to_be_visible()
    await expect(page.get_by_test_id("value-multiply")).to_have_text("→ 21")

    await visitor.go("/pipelines/twice")
    await visitor.press("Delete", "Delete the pipeline")
    await expect(page.get_by_role("heading", name="Pipelines")).to_be_visible()
    await expect(page.get_by_text("twice")).to_be_hidden()


async def test_chosen_jobs_and_all_that_fit_are_cancelled(visitor: Visitor) -> None:
    page = visitor.page
    later = {"processor": "noop", "run_at": "2099-01-01T00:00:00Z", "labels": {"bulk": "yes"}}
    jobs = [await visitor.submit(**later) for _ in range(5)]
    await visitor.go("/jobs?q=label:bulk=yes")
    for job in jobs[:2]:
        await page.locator(f"[data-job='{job}'] input").check()
    await visitor.press("Cancel …", "Cancel 2")
    await expect(page.locator("[data-status=cancelled]")).to_have_count(2)

    await visitor.go("/jobs?q=label:bulk=yes status:scheduled")
    await visitor.press("Cancel …", "Cancel 3")

    await expect(page.get_by_text("No job fits this filter")).to_be_visible()


async def test_a_dataset_is_renamed_thrown_away_restored_and_purged(
    visitor: Visitor, real_files: Path
) -> None:
    page = visitor.page
    await visitor.go("/datasets")
    await page.locator("input[type=file]").set_input_files(real_files / "cars.json")
    await page.get_by_role("link", name="cars.json").last.click()
    await expect(page.get_by_role("region", name="First rows")).to_be_visible()
    await visitor.press("Rename")
    await page.get_by_role("textbox", name="Name").fill("old cars")
    await visitor.press("Store")
    await expect(page.get_by_role("heading", name="old cars")).to_be_visible()
    for tab in ("Columns", "Rejects", "How it was read"):
        await page.get_by_role("tab", name=tab).click()

    await visitor.press("Delete", "Move it to the trash")
    await page.get_by_role("link", name="Trash").click()
    await visitor.press("Restore")
    await expect(page.get_by_text("The trash is empty")).to_be_visible()
    await page.get_by_role("link", name="Back to the datasets").click()
    await page.get_by_role("link", name="old cars").click()
    await visitor.press("Delete", "Move it to the trash")
    await page.get_by_role("link", name="Trash").click()
    await visitor.press("Purge", "Purge the dataset")

    await expect(page.get_by_text("The trash is empty")).to_be_visible()


async def test_a_queue_is_paused_and_goes_on(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.go("/queues")
    row = page.locator("[data-item]").first
    await row.get_by_role("button", name="Pause").click()
    await expect(row.locator("[data-status=paused]")).to_be_visible()
    job = await visitor.submit(processor="wait", params={"seconds": 0})
    await visitor.go(f"/jobs/{job}")
    await expect(page.get_by_text("(queue paused)").first).to_be_visible()

    await visitor.go("/queues")
    await row.get_by_role("button", name="Resume").click()
    await visitor.go(f"/jobs/{job}")

    await expect(page.locator("[data-status=succeeded]").first).to_be_visible()


async def test_a_dead_letter_is_tried_again_and_another_discarded(visitor: Visitor) -> None:
    page = visitor.page
    async with visitor.client() as client:
        await exhaust(client)
        await exhaust(client)
    await visitor.go("/failures")
    rows = page.get_by_role("region", name="Dead letters").locator("[data-item]")
    await expect(rows).to_have_count(2)

    await rows.last.get_by_role("button", name="Discard").click()
    await visitor.press("Discard the letter")
    await expect(rows).to_have_count(1)
    await rows.get_by_role("button", name="Redrive").click()

    await expect(page.get_by_role("heading", name="fail", exact=True)).to_be_visible()


async def exhaust(client: Client) -> None:
    """A job that uses up its only attempt."""
    job = await client.submit(
        processor="fail", params={"kind": "transient", "attempts": 9}, max_attempts=1
    )
    await client.wait(job.id)
