"""What a page costs while it is open: frames as the browser draws them, requests it sends.

A frame is a call of `requestAnimationFrame`, which Chromium makes 60 times a second where nothing
holds it up, headless too. A second's frames are those between two full seconds of the run.
"""

from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.async_api import Page, Request

COUNT = """() => {
  const at = [];
  const draw = now => { at.push(now); kept.next = requestAnimationFrame(draw); };
  const kept = { at, next: requestAnimationFrame(draw) };
  window.drawn = kept;
}"""
STOP = "() => { cancelAnimationFrame(drawn.next); return drawn.at; }"


@dataclass
class Watch:
    """Frames and requests from `async with` on; the figures are there at its end."""

    page: Page
    requests: list[str] = field(default_factory=list)
    frames: list[float] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self.page.on("request", self._sent)
        await self.page.evaluate(COUNT)
        return self

    async def __aexit__(self, *_: Any) -> None:
        self.page.remove_listener("request", self._sent)
        self.frames = await self.page.evaluate(STOP)

    def _sent(self, request: Request) -> None:
        self.requests.append(f"{request.method} {urlsplit(request.url).path}")

    @property
    def gaps_ms(self) -> list[float]:
        """How long each frame stood."""
        return [after - before for before, after in zip(self.frames, self.frames[1:], strict=False)]

    @property
    def by_second(self) -> list[int]:
        """Frames of each full second."""
        seconds = int((self.frames[-1] - self.frames[0]) / 1000)
        counts = [0] * seconds
        for frame in self.frames:
            place = int((frame - self.frames[0]) / 1000)
            if place < seconds:
                counts[place] += 1
        return counts
