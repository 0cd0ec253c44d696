"""The test page of the live stream in a real browser."""

from playwright.async_api import Page, expect

from tests.builders import PATIENCE_S
from tests.e2e.people import PASSWORD
from tidemill_client.client import Client
from tidemill_contracts.ids import uuid7
from tidemill_stack.stack import Stack

WAIT_MS = PATIENCE_S * 1_000


async def test_the_page_shows_a_job_live_and_again_from_a_cursor(stack: Stack, page: Page) -> None:
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    email = f"{uuid7().hex}@example.org"
    frames = page.locator("#frames")
    await page.goto(f"{stack.url}/docs/stream/")

    async with Client(stack.url) as client:
        await client.register(email, PASSWORD)
        tokens = await client.sign_in(email, PASSWORD)
        await page.get_by_label("E-mail").fill(email)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Connect").click()
        await expect(page.locator("#state")).to_have_text("open", timeout=WAIT_MS)
        await expect(frames.get_by_text("live", exact=True)).to_be_visible(timeout=WAIT_MS)
        job = await client.submit(processor="add", params={"amount": 1}, value=1)
        await expect(frames).to_contain_text("job.succeeded", timeout=WAIT_MS)
        told = [item async for item in client.events(job_id=job.id)]
    submitted = getattr(told[0], "cursor", "")
    await page.get_by_role("button", name="Close").click()
    await page.get_by_role("button", name="Clear").click()
    await expect(frames).to_be_empty()
    await page.get_by_label("or a token").fill(tokens.access_token)
    await page.get_by_label("Topics").fill(f"job.{job.id}")
    await page.get_by_label("Since").fill(submitted)
    await page.get_by_role("button", name="Connect").click()

    await expect(frames).to_contain_text("job.succeeded", timeout=WAIT_MS)
    await expect(frames).to_contain_text('"replay": true')
    await expect(frames).not_to_contain_text("job.submitted")
    await expect(page.locator("#problem")).to_be_empty()
    assert complaints == []
