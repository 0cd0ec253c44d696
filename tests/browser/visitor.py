"""Somebody in front of the dashboard: what a person does, and what is checked of every page."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Page, expect

from tests.e2e.people import PASSWORD
from tidemill_client.client import Client
from tidemill_contracts.ids import uuid7

PAGES = {
    "overview": "/",
    "jobs": "/jobs",
    "job": "/jobs/{job}",
    "job-events": "/jobs/{job}?tab=events",
    "new-job": "/jobs/new?processor=normalize",
    "datasets": "/datasets",
    "pipelines": "/pipelines",
    "pipeline": "/pipelines/arithmetic",
    "events": "/events?after=start",
    "queues": "/queues",
    "workers": "/workers",
    "failures": "/failures",
    "trash": "/datasets?trash=yes",
    "schedules": "/schedules",
    "schedule": "/schedules/{schedule}",
    "new-schedule": "/schedules/new",
    "webhooks": "/webhooks",
    "webhook": "/webhooks/{webhook}",
    "api-keys": "/api-keys",
    "sessions": "/sessions",
    "members": "/members",
    "audit": "/audit",
    "usage": "/usage",
}
AXE = Path(__file__).parents[2] / "services/dashboard/node_modules/axe-core/axe.min.js"


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
        shown = await self.page.get_by_test_id("secret").inner_text()
        await self.press("Close")
        return shown

    async def token(self) -> str:
        kept = json.loads(await self.page.evaluate("localStorage.getItem('tidemill-session')"))
        return kept["access"]

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[Client]:
        """The client as this person."""
        async with Client(self.url, await self.token()) as client:
            yield client

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
        """What axe finds in both colours; a picture of each is kept."""
        self.shots.mkdir(parents=True, exist_ok=True)
        await self.page.evaluate(AXE.read_text())
        found: list[str] = []
        for colours in ("light", "dark"):
            await self.page.evaluate(
                "value => { document.documentElement.dataset.mantineColorScheme = value }", colours
            )
            await self.page.screenshot(path=self.shots / f"{name}-{colours}.png")
            ran = await self.page.evaluate("axe.run()")
            found += [f"{name} {colours}: {each['id']}" for each in ran["violations"]]
        return found
