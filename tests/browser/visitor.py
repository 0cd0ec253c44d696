"""Somebody in front of the dashboard: what a person does, and what is checked of every page."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import httpx
from playwright.async_api import Page, expect

from tests.e2e.people import PASSWORD
from tidemill_client.client import Client
from tidemill_contracts.ids import uuid7

AXE = Path(__file__).parents[2] / "services/dashboard/node_modules/axe-core/axe.min.js"
# only colours differ between the schemes
RULES: dict[Literal["light", "dark"], str] = {
    "light": "{}",
    "dark": "{ runOnly: ['color-contrast'] }",
}
TOP = 400
TURN = """path => {
  const there = new URL(path, location);
  const stays = there.pathname === location.pathname;
  for (const head of document.querySelectorAll('h1')) head.dataset.left = !stays;
  history.pushState(null, '', there);
}"""


# what moves for ever, such as the dot of a running job, does not change colours
SETTLED = """() => Promise.allSettled(document.getAnimations()
    .filter((each) => each.effect?.getComputedTiming().endTime !== Number.POSITIVE_INFINITY)
    .map((each) => each.finished))"""


class Visitor:
    """Whatever the browser complains about is kept in `complaints`."""

    def __init__(self, page: Page, url: str, shots: Path) -> None:
        self.page, self.url, self.shots = page, url, shots
        self.complaints: list[str] = []
        self.email = f"{uuid7().hex}@example.org"
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    async def sign_up(self) -> None:
        await self.page.goto(f"{self.url}/sign-up")
        await self.page.get_by_label("E-mail").fill(self.email)
        await self.page.get_by_label("Password").first.fill(PASSWORD)
        await self.page.get_by_role("button", name="Sign up").click()
        await self.live()

    async def live(self) -> None:
        await expect(self.page.get_by_test_id("live-state")).to_have_text("Live", timeout=60_000)

    async def go(self, path: str) -> None:
        await self.page.goto(f"{self.url}{path}")
        await self.live()

    async def press(self, *names: str) -> None:
        """One button after the other: an order, and that it is meant."""
        for name in names:
            await self.page.get_by_role("button", name=name, exact=True).last.click()

    async def secret(self) -> str:
        """What is shown this once; then its window is closed."""
        secret = self.page.get_by_test_id("secret")
        shown = await secret.inner_text()
        window = self.page.get_by_role("dialog").filter(has=secret)
        await window.get_by_role("button", name="Close").click()
        await expect(secret).to_be_hidden()
        return shown

    async def token(self) -> str:
        kept = json.loads(await self.page.evaluate("localStorage.getItem('tidemill-session')"))
        return kept["access"]

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[Client]:
        """The client as this person."""
        async with Client(self.url, await self.token()) as client:
            yield client

    async def turn_to(self, path: str) -> None:
        """Another page as a link leads to it, once all of it is there."""
        await self.page.evaluate(TURN, path)
        await self.page.locator("h1:not([data-left=true])").wait_for()
        await expect(self.page.locator(".mantine-Skeleton-root")).to_have_count(0, timeout=60_000)

    async def http(self) -> httpx.AsyncClient:
        """The API as this person, for what is no matter of the browser."""
        headers = {"Authorization": f"Bearer {await self.token()}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=60)

    async def submit(self, **order: Any) -> str:
        return (await self.made("/v1/jobs", order))["id"]

    async def made(self, path: str, order: dict[str, Any]) -> dict[str, Any]:
        async with await self.http() as http:
            answer = await http.post(path, json=order)
        return answer.raise_for_status().json()

    async def read(self, path: str, **query: Any) -> dict[str, Any]:
        async with await self.http() as http:
            answer = await http.get(path, params=query)
        return answer.raise_for_status().json()

    async def violations(self, name: str) -> list[str]:
        """What axe finds in both colours, and a head out of sight; a picture of each is kept."""
        page = self.page
        if not await page.evaluate("'axe' in window"):
            await page.evaluate(AXE.read_text())
        top = await page.get_by_role("heading", level=1).bounding_box()
        found = [] if top and top["y"] < TOP else [f"{name}: its head is not in sight"]
        for colours, rules in RULES.items():
            await self._in(colours)
            await page.screenshot(path=self.shots / f"{name}-{colours}.png")
            ran = await page.evaluate(f"axe.run(document, {rules})")
            found += [f"{name} {colours}: {each['id']}" for each in ran["violations"]]
        await self._in("light")
        return found

    async def _in(self, colours: Literal["light", "dark"]) -> None:
        """The page in these colours, once none is on its way from the others."""
        await self.page.emulate_media(color_scheme=colours)
        scheme = self.page.locator(f"html[data-mantine-color-scheme={colours}]")
        await scheme.wait_for(state="attached")
        await self.page.evaluate(SETTLED)
