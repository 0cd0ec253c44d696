"""All that a bout found, and what must be known to read its figures."""

import msgspec
from msgspec import Struct

from tests.bench.facts import Facts
from tests.bench.trial import Trial

# of the machine, taken by processes that are not under measure
BUSY_MACHINE = 0.10
TERMS = (
    "Both sides: one API process, as many worker processes as cores, PostgreSQL from the same"
    " binaries with the same configuration (fsync and synchronous_commit on), the same load"
    " generator on the same cores. Tidemill checks a JWT with each request and syncs its broker's"
    " log; the plain stack checks no token, and its Redis keeps no log (Debian's default): what it"
    " has queued is not durable."
)


class Report(Struct, kw_only=True):
    """A bout as it is written to the JSON file."""

    facts: Facts
    versions: dict[str, dict[str, str]]
    trials: list[Trial]
    notes: list[str]

    @property
    def faults(self) -> list[str]:
        return [
            f"{each.measure} #{each.round}, {each.side}, {each.door}: {fault}"
            for each in self.trials
            for fault in each.faults
        ]

    def of(self, measure: str, column: tuple[str, str]) -> list[Trial]:
        """The runs in a column, without those that broke off."""
        return [
            each
            for each in self.trials
            if (each.measure, (each.side, each.door)) == (measure, column) and each.figures
        ]

    def json(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=2)

    def terms(self) -> list[str]:
        """What the figures depend on."""
        facts = self.facts
        versions = [
            f"{side}: " + ", ".join(f"{name} {number}" for name, number in found.items())
            for side, found in self.versions.items()
        ]
        return [
            f"{facts.when}; {facts.cores} x {facts.processor}; {facts.memory_gib} GiB;"
            f" Linux {facts.kernel}; Python {facts.python}; {facts.file_system},"
            f" a synced 4 KiB append {facts.sync_ms} ms; load before {facts.load_before}.",
            TERMS,
            *versions,
        ]

    def warnings(self) -> list[str]:
        measured = [each.usage for each in self.trials if each.usage]
        noisy = [each for each in measured if each.others_share > BUSY_MACHINE]
        if not noisy:
            return self.notes
        worst = max(each.others_share for each in noisy)
        return [
            *self.notes,
            f"{len(noisy)} of {len(measured)} runs shared the machine: other processes took up to"
            f" {worst:.0%} of it. Rates and latencies of these runs are too bad; processor time"
            " is off by less.",
        ]
