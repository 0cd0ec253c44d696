/** Events into the answers that are kept: one write per answer, however many events there are. */
import type { QueryClient } from "@tanstack/react-query";
import type { AnyEvent } from "@/live/frames";
import type { Job, JobEvent } from "@/live/jobs";
import type { DatasetListKey, JobListKey } from "@/live/keys";
import {
  type Dataset,
  foldDatasets,
  foldJob,
  foldOneDataset,
  foldPage,
  joined,
  type Page,
} from "@/live/lists";

/** Answers that no event tells in full, by what the events are about. */
const SUMMARIES: Record<string, readonly string[]> = {
  dataset: ["uploads", "webhook", "deliveries"],
  job: [
    "queues",
    "workers",
    "failures",
    "letters",
    "attempts",
    "schedules",
    "schedule-runs",
    "webhook",
    "deliveries",
  ],
  schedule: ["schedules", "schedule", "schedule-runs"],
  api_key: ["api-keys"],
  session: ["sessions"],
  user: ["members", "invitations", "me"],
  webhook: ["webhooks", "webhook"],
};
const SUMMARY_EVERY_MS = 3_000;
/** Until then what follows from an event, such as its delivery, has mostly happened. */
const SETTLED_MS = 300;

export class Applier {
  private readonly holes = new Set<string>();
  private readonly stale = new Set<string>();
  private summarized = 0;
  private summary: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly client: QueryClient) {}

  apply(events: readonly AnyEvent[]): void {
    if (events.length === 0) return;
    for (const query of this.client.getQueryCache().getAll()) {
      const [kind, detail] = query.queryKey as [string, unknown];
      const data = query.state.data;
      if (data === undefined) continue;
      const next = this.changed(kind, detail, data, events);
      if (next !== data) this.client.setQueryData(query.queryKey, next);
    }
    this.mend();
    this.replace(events);
    this.summarize(events);
  }

  private changed(
    kind: string,
    detail: unknown,
    data: unknown,
    events: readonly AnyEvent[],
  ): unknown {
    switch (kind) {
      case "jobs": {
        const { filter, cursor, limit } = detail as JobListKey;
        const made = foldPage(data as Page<Job>, events, { filter, first: !cursor, limit });
        for (const id of made.holes) this.holes.add(id);
        return made.value;
      }
      case "job": {
        const made = foldJob(data as Job, events);
        for (const id of made.holes) this.holes.add(id);
        return made.value;
      }
      case "job-events":
        return joined(data as JobEvent[], events, detail as string);
      case "datasets":
        return foldDatasets(data as Page<Dataset>, events, detail as DatasetListKey);
      case "dataset":
        return foldOneDataset(data as Dataset, events);
      default:
        return data;
    }
  }

  /** A job whose events left a hole is read anew, once for all its events. */
  private mend(): void {
    for (const id of this.holes) {
      void this.client.invalidateQueries({ queryKey: ["job", id] });
      void this.client.invalidateQueries({ queryKey: ["job-events", id] });
    }
    if (this.holes.size > 0) void this.client.invalidateQueries({ queryKey: ["jobs"] });
    this.holes.clear();
  }

  /** Where a dataset has a new table, what is shown of the one before is read again. */
  private replace(events: readonly AnyEvent[]): void {
    for (const event of events) {
      if (event.type !== "dataset.ready" || event.reading) continue;
      const uri = `/v1/datasets/${event.dataset_id}`;
      void this.client.invalidateQueries({ queryKey: ["dataset", event.dataset_id] });
      void this.client.invalidateQueries({ queryKey: ["value", `${uri}/preview`] });
      void this.client.invalidateQueries({ queryKey: ["value", `${uri}/profile`] });
      void this.client.invalidateQueries({ queryKey: ["rejects", uri] });
    }
  }

  /** What no event tells in full is read again where it is shown, at most every three seconds. */
  private summarize(events: readonly AnyEvent[]): void {
    for (const about of new Set(events.map((event) => event.type.split(".", 1)[0] ?? ""))) {
      for (const kind of SUMMARIES[about] ?? []) this.stale.add(kind);
    }
    if (this.stale.size === 0 || this.summary !== undefined) return;
    const wait = Math.max(SETTLED_MS, this.summarized + SUMMARY_EVERY_MS - Date.now());
    this.summary = setTimeout(() => {
      this.summary = undefined;
      this.summarized = Date.now();
      for (const kind of this.stale) {
        void this.client.invalidateQueries({ queryKey: [kind], refetchType: "active" });
      }
      this.stale.clear();
    }, wait);
  }
}
