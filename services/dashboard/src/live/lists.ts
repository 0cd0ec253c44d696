/** What events make of pages of jobs and datasets that are on the screen. */
import type { Schema } from "@/api/http";
import { type Filter, matches } from "@/live/filter";
import type { AnyEvent } from "@/live/frames";
import { begun, fold, isJobEvent, type Job, type JobEvent } from "@/live/jobs";
import type { DatasetListKey } from "@/live/keys";

export type Dataset = Schema["Dataset"];
export interface Page<T> {
  items: T[];
  next_cursor?: string | null;
}
export type DatasetEvent = Extract<AnyEvent, { type: `dataset.${string}` }>;

export interface Changed<T> {
  value: T;
  /** Ids that the events do not tell everything about. */
  holes: string[];
}

/** The jobs of a page after these events; `first` pages also take new ones, newest first. */
export function foldPage(
  page: Page<Job>,
  events: readonly AnyEvent[],
  { filter, first, limit }: { filter: Filter; first: boolean; limit: number },
): Changed<Page<Job>> {
  const byId = new Map(page.items.map((job) => [job.id, job]));
  const fresh: Job[] = [];
  const holes: string[] = [];
  let changed = false;
  for (const event of events) {
    if (!isJobEvent(event)) continue;
    const known = byId.get(event.job_id);
    if (known) {
      const next = fold(known, event);
      if (next.hole) holes.push(event.job_id);
      changed ||= next.job !== known;
      byId.set(event.job_id, next.job);
    } else if (first && event.type === "job.submitted" && (filter.system || !event.system)) {
      const job = begun(event);
      byId.set(job.id, job);
      fresh.push(job);
      changed = true;
    }
  }
  if (!changed) return { value: page, holes };
  const newest = fresh.map((job) => job.id).reverse();
  const order = [...newest, ...page.items.map((job) => job.id)];
  const items = order
    .map((id) => byId.get(id))
    .filter((job): job is Job => job !== undefined && matches(filter, job, filter.system));
  return { value: { ...page, items: items.slice(0, Math.max(limit, page.items.length)) }, holes };
}

/** A job after those of these events that are its own. */
export function foldJob(job: Job, events: readonly AnyEvent[]): Changed<Job> {
  let value = job;
  let hole = false;
  for (const event of events) {
    if (!isJobEvent(event) || event.job_id !== job.id) continue;
    const next = fold(value, event);
    value = next.job;
    hole ||= next.hole;
  }
  return { value, holes: hole ? [job.id] : [] };
}

/** The known events of a job with those that are new, in order and each once. */
export function joined(
  known: readonly JobEvent[],
  events: readonly AnyEvent[],
  jobId: string,
): JobEvent[] {
  let last = known.at(-1)?.seq ?? 0;
  const fresh: JobEvent[] = [];
  for (const event of events) {
    if (isJobEvent(event) && event.job_id === jobId && event.seq > last) {
      fresh.push(event);
      last = event.seq;
    }
  }
  return fresh.length ? [...known, ...fresh] : (known as JobEvent[]);
}

function isDatasetEvent(event: AnyEvent): event is DatasetEvent {
  return event.type.startsWith("dataset.");
}

export function foldDataset(dataset: Dataset, event: DatasetEvent): Dataset {
  if (event.seq <= dataset.seq) return dataset;
  const seen = { ...dataset, seq: event.seq, updated_at: event.at };
  switch (event.type) {
    case "dataset.uploaded":
      return {
        ...seen,
        status: "validating",
        size_bytes: event.size_bytes,
        sha256: event.sha256,
        error: undefined,
        reading: readingOf(dataset, event),
      };
    case "dataset.ready":
      if (event.reading) {
        return { ...seen, status: "ready", reading: event.reading as Dataset["reading"] };
      }
      return {
        ...seen,
        status: "ready",
        error: undefined,
        reading: undefined,
        format: event.ingested.format,
        rows: event.ingested.rows,
        columns: event.ingested.columns as Dataset["columns"],
      };
    case "dataset.rejected":
      return { ...seen, status: "rejected", error: event.error, reading: undefined };
    case "dataset.restored":
      return { ...seen, status: event.status };
    case "dataset.deleted":
    case "dataset.purged":
      return { ...seen, status: "deleted" };
    default:
      return seen;
  }
}

/** What has been read before is read again, by the job that has the event's id. */
function readingOf(
  dataset: Dataset,
  event: Extract<DatasetEvent, { type: "dataset.uploaded" }>,
): Dataset["reading"] {
  const again = dataset.reading || dataset.status === "ready" || dataset.status === "rejected";
  return again ? { job_id: event.id, options: event.options, begun_at: event.at } : undefined;
}

export function foldDatasets(
  page: Page<Dataset>,
  events: readonly AnyEvent[],
  { cursor, trash }: DatasetListKey,
): Page<Dataset> {
  const byId = new Map(page.items.map((each) => [each.id, each]));
  const fresh: string[] = [];
  let changed = false;
  for (const event of events) {
    if (!isDatasetEvent(event)) continue;
    const known = byId.get(event.dataset_id);
    if (known) {
      const next = foldDataset(known, event);
      changed ||= next !== known;
      byId.set(known.id, next);
    } else if (!cursor && !trash && event.type === "dataset.created") {
      byId.set(event.dataset_id, madeFrom(event));
      fresh.unshift(event.dataset_id);
      changed = true;
    }
  }
  if (!changed) return page;
  const order = [...fresh, ...page.items.map((each) => each.id)];
  const items = order
    .map((id) => byId.get(id))
    .filter((each): each is Dataset => each !== undefined && (each.status === "deleted") === trash);
  return { ...page, items };
}

function madeFrom(event: Extract<DatasetEvent, { type: "dataset.created" }>): Dataset {
  return {
    id: event.dataset_id,
    name: event.name,
    status: "uploading",
    format: null,
    size_bytes: null,
    sha256: null,
    rows: null,
    columns: null,
    labels: (event.labels ?? {}) as Record<string, string>,
    created_at: event.at,
    updated_at: event.at,
    seq: event.seq,
  };
}

export function foldOneDataset(dataset: Dataset, events: readonly AnyEvent[]): Dataset {
  let value = dataset;
  for (const event of events) {
    if (isDatasetEvent(event) && event.dataset_id === dataset.id) value = foldDataset(value, event);
  }
  return value;
}
