"""What a page costs while it is open: frames that the browser draws, requests it sends, its CPU.

A frame is a call of `requestAnimationFrame`: 60 a second, headless too, where nothing holds it up.
"""

from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.async_api import CDPSession, Page, Request

COUNT = """() => {
  const drawn = { at: [] };
  const draw = now => { drawn.at.push(now); drawn.next = requestAnimationFrame(draw); };
  drawn.next = requestAnimationFrame(draw);
  window.drawn = drawn;
}"""
STOP = "() => { cancelAnimationFrame(drawn.next); return drawn.at; }"
LONG_MS = 50


@dataclass
class Watch:
    """Frames and requests of a page from `async with` on; the figures are there at its end."""

    page: Page
    requests: list[str] = field(default_factory=list)
    at_ms: list[float] = field(default_factory=list)
    busy_s: float = 0.0

    async def __aenter__(self) -> Self:
        self._cdp: CDPSession = await self.page.context.new_cdp_session(self.page)
        await self._cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
        self.busy_s = -await self._cpu_s()
        self.page.on("request", self._sent)
        await self.page.evaluate(COUNT)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.page.remove_listener("request", self._sent)
        self.at_ms = await self.page.evaluate(STOP)
        self.busy_s += await self._cpu_s()
        await self._cdp.detach()

    @property
    def seconds(self) -> float:
        return (self.at_ms[-1] - self.at_ms[0]) / 1000

    @property
    def mean(self) -> float:
        """Frames a second over the whole of it."""
        return (len(self.at_ms) - 1) / self.seconds

    @property
    def by_second(self) -> list[int]:
        """Frames of each full second."""
        counts = [0] * int(self.seconds)
        for at in self.at_ms:
            place = int((at - self.at_ms[0]) / 1000)
            if place < len(counts):
                counts[place] += 1
        return counts

    @property
    def figures(self) -> dict[str, Any]:
        """What to say of it: frames, those that stood longer than 50 ms, requests, CPU."""
        gaps = [after - at for at, after in zip(self.at_ms, self.at_ms[1:], strict=False)]
        return {
            "frames_per_second": round(self.mean, 1),
            "by_second": self.by_second,
            "long_frames": sum(gap > LONG_MS for gap in gaps),
            "longest_ms": round(max(gaps)),
            "requests": len(self.requests),
            "main_thread": f"{self.busy_s / self.seconds:.0%} of a core",
        }

    def _sent(self, request: Request) -> None:
        self.requests.append(f"{request.method} {urlsplit(request.url).path}")

    async def _cpu_s(self) -> float:
        found = await self._cdp.send("Performance.getMetrics")
        return next(each["value"] for each in found["metrics"] if each["name"] == "TaskDuration")
