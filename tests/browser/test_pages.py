"""Keys, members, schedules, webhooks and large files, as a person has to do with them."""

from datetime import UTC, datetime
from pathlib import Path

from playwright.async_api import Browser, Route, expect

from tests.browser.visitor import Visitor
from tests.e2e.people import PASSWORD
from tidemill_contracts.datasets import IngestOptions

MANY_ROWS = 66_000


async def test_a_key_is_shown_once_and_revoked(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.go("/api-keys")
    await page.get_by_role("button", name="New key").click()
    await page.get_by_label("Name").fill("nightly")
    await page.get_by_role("button", name="Make the key").click()
    await expect(page.get_by_test_id("secret")).to_contain_text("tm_live_")

    await visitor.press("Close")
    await page.get_by_role("button", name="Revoke nightly").click()
    await page.get_by_role("button", name="Revoke the key").click()

    await expect(page.get_by_text("No keys yet")).to_be_visible()
    assert visitor.complaints == []


async def test_whoever_is_invited_joins_by_the_link(visitor: Visitor, browser: Browser) -> None:
    page = visitor.page
    await visitor.go("/members")
    await page.get_by_role("button", name="Invite").click()
    await page.get_by_label("E-mail").fill(f"{datetime.now(UTC).timestamp()}@example.org")
    await page.get_by_role("button", name="Make the link").click()
    link = await page.get_by_test_id("secret").inner_text()

    guest = await (await browser.new_context()).new_page()
    await guest.goto(link)
    await guest.get_by_label("Password").first.fill(PASSWORD)
    await guest.get_by_role("button", name="Join").click()

    await expect(guest.get_by_test_id("live-state")).to_have_text("Live", timeout=60_000)
    await guest.context.close()


async def test_a_schedule_says_when_it_comes_and_what_is_wrong_with_it(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.go("/schedules/new")
    await page.get_by_role("textbox", name="Name").fill("nightly")
    await page.get_by_role("textbox", name="Cron").fill("61 3 * * *")
    await page.locator("input[aria-haspopup]").and_(page.get_by_label("Processor")).click()
    await page.get_by_role("option", name="random_number").click()
    await page.get_by_role("button", name="Make the schedule").click()
    await expect(page.get_by_role("textbox", name="Cron")).to_have_attribute("aria-invalid", "true")

    await page.get_by_role("textbox", name="Cron").fill("0 3 * * *")
    await expect(page.get_by_test_id("next-times")).to_contain_text("03:00:00")
    await page.get_by_role("button", name="Make the schedule").click()
    await page.get_by_role("button", name="Run now").click()

    await expect(page.locator("[data-status=succeeded]").first).to_be_visible(timeout=60_000)
    assert visitor.complaints == []


async def test_a_webhook_shows_its_secret_once(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.go("/webhooks")
    await page.get_by_role("button", name="New webhook").click()
    await page.get_by_label("Address").fill("https://example.org/hook")
    await page.get_by_role("button", name="Make the webhook").click()

    await expect(page.get_by_test_id("secret")).to_contain_text("whsec_")
    await expect(page.get_by_role("link", name="https://example.org/hook")).to_be_visible()


async def test_a_cursor_in_an_address_is_itself(visitor: Visitor) -> None:
    await visitor.go("/events?after=1.10")

    await expect(visitor.page.get_by_text("Replayed from 1.10", exact=True)).to_be_visible()


async def test_a_large_file_goes_on_after_a_reload_and_back_from_the_trash(
    visitor: Visitor, tmp_path: Path
) -> None:
    page = visitor.page
    file = tmp_path / "large.csv"
    file.write_text("id,text\n" + "".join(f"{n},{'x' * 256}\n" for n in range(MANY_ROWS)))
    await page.route("**/tidemill-datasets/**partNumber=2**", _lost)
    await visitor.go("/datasets")
    async with page.expect_response(lambda each: each.request.method == "PUT"):
        await page.locator("input[type=file]").set_input_files(file)
    await page.unroute("**/tidemill-datasets/**partNumber=2**")
    await page.reload()
    await expect(page.locator("[data-unfinished]")).to_be_visible()

    await page.locator("input[type=file]").set_input_files(file)
    row = page.locator("[data-item]")
    await expect(row.locator("[data-status=ready]")).to_be_visible(timeout=60_000)
    await row.get_by_role("link").click()
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("button", name="Move it to the trash").click()
    await page.get_by_role("link", name="Trash").click()
    await page.get_by_role("button", name="Restore").click()
    await page.get_by_role("link", name="Back to the datasets").click()

    await expect(row.locator("[data-status=ready]")).to_be_visible(timeout=60_000)
    assert visitor.complaints == []


async def test_a_file_that_was_read_wrong_is_read_again_and_what_fails_is_told(
    visitor: Visitor,
) -> None:
    page = visitor.page
    async with visitor.client() as client:
        options = IngestOptions(delimiter="|")
        sent = await client.upload(b"a|b;c\n1|2;x\n", "odd.csv", options=options)
        await client.wait_dataset(sent.id)
    rows = page.get_by_role("region", name="First rows")
    button, dialog = page.get_by_role("button", name="Read again…"), page.get_by_role("dialog")
    await visitor.go(f"/datasets/{sent.id}")
    await button.press("Enter")
    await expect(dialog.get_by_label("Delimiter")).to_have_value("|")
    assert await visitor.violations("read-again") == []

    await dialog.get_by_label("Delimiter").fill(";")
    await visitor.press("Read it")
    await expect(rows).to_contain_text("a|b", timeout=60_000)
    await expect(button).to_be_enabled()
    await button.click()
    await visitor.press("Type of a column")
    await dialog.get_by_label("Column 1", exact=True).fill("c")
    await dialog.get_by_label("Type of column 1").click()
    await page.get_by_role("option", name="int64").click()
    await dialog.get_by_label("Values of another type").click()
    await page.get_by_role("option", name="freeze").click()
    await visitor.press("Read it")

    await expect(page.get_by_role("alert")).to_contain_text("contract_broken", timeout=60_000)
    await expect(button).to_be_enabled()
    await expect(button).to_be_focused()
    await expect(rows).to_contain_text("a|b")
    assert visitor.complaints == []


async def _lost(route: Route) -> None:
    await route.abort()
