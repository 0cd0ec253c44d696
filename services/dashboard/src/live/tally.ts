/** Figures of the last minutes, second by second, out of events alone. */
import type { AnyEvent } from "@/live/frames";
import { isJobEvent, type Job } from "@/live/jobs";

export const SECONDS = 300;

export interface Second {
  at: number;
  submitted: number;
  succeeded: number;
  failed: number;
  /** Milliseconds from submission to ending, of the jobs that ended in this second. */
  latencies: number[];
}

export interface Tally {
  seconds: Second[];
  /** By job; -1 once it has ended. */
  submittedAt: Map<string, number>;
}

const KEPT_JOBS = 20_000;
const OVER = -1;
const ENDED = new Set(["job.succeeded", "job.failed", "job.cancelled", "job.expired"]);

export function emptyTally(): Tally {
  return { seconds: [], submittedAt: new Map() };
}

/** The tally with these events counted; it is changed in place, since only its snapshot is shown. */
export function count(tally: Tally, events: readonly AnyEvent[]): void {
  for (const event of events) {
    if (!isJobEvent(event) || event.system) continue;
    const at = Date.parse(event.at);
    if (event.type === "job.submitted") {
      submitted(tally, event.job_id, at);
    } else if (ENDED.has(event.type)) {
      ended(tally, event.job_id, at, event.type);
    }
  }
  forget(tally);
}

/** Jobs that were there before the first event came; what events told of is not counted twice. */
export function seed(tally: Tally, jobs: readonly Job[]): void {
  for (const job of jobs) {
    submitted(tally, job.id, Date.parse(job.created_at));
    if (job.finished_at) ended(tally, job.id, Date.parse(job.finished_at), `job.${job.status}`);
  }
  tally.seconds.sort((a, b) => a.at - b.at);
}

function submitted(tally: Tally, id: string, at: number): void {
  if (tally.submittedAt.has(id)) return;
  second(tally, at).submitted += 1;
  tally.submittedAt.set(id, at);
}

function ended(tally: Tally, id: string, at: number, type: string): void {
  const since = tally.submittedAt.get(id);
  if (since === OVER) return;
  const bucket = second(tally, at);
  if (type === "job.succeeded") bucket.succeeded += 1;
  else if (type !== "job.cancelled") bucket.failed += 1;
  if (since !== undefined) bucket.latencies.push(at - since);
  tally.submittedAt.set(id, OVER);
}

function second(tally: Tally, ms: number): Second {
  const at = Math.floor(ms / 1000);
  const last = tally.seconds.at(-1);
  if (last?.at === at) return last;
  const known = tally.seconds.find((each) => each.at === at);
  if (known) return known;
  const made: Second = { at, submitted: 0, succeeded: 0, failed: 0, latencies: [] };
  tally.seconds.push(made);
  if (last && last.at > at) tally.seconds.sort((a, b) => a.at - b.at);
  return made;
}

function forget(tally: Tally): void {
  const newest = tally.seconds.at(-1)?.at ?? 0;
  while ((tally.seconds[0]?.at ?? newest) < newest - 2 * SECONDS) tally.seconds.shift();
  for (const id of tally.submittedAt.keys()) {
    if (tally.submittedAt.size <= KEPT_JOBS) break;
    tally.submittedAt.delete(id);
  }
}

export function quantile(sorted: readonly number[], at: number): number | null {
  if (sorted.length === 0) return null;
  const place = (sorted.length - 1) * at;
  const low = sorted[Math.floor(place)] ?? 0;
  const high = sorted[Math.ceil(place)] ?? low;
  return low + (high - low) * (place - Math.floor(place));
}

export interface Series {
  at: number[];
  submitted: number[];
  succeeded: number[];
  failed: number[];
  p50: (number | null)[];
  p95: (number | null)[];
}

/** Equal steps that end now; rates are per second. */
export function series(tally: Tally, now: number, seconds = SECONDS, step = 5): Series {
  const end = Math.floor(now / 1000 / step) * step + step;
  const steps = Math.ceil(seconds / step);
  const first = end - steps * step;
  const made: Series = { at: [], submitted: [], succeeded: [], failed: [], p50: [], p95: [] };
  const groups: Second[][] = Array.from({ length: steps }, () => []);
  for (const each of tally.seconds) groups[Math.floor((each.at - first) / step)]?.push(each);
  for (const [index, group] of groups.entries()) {
    const rate = (of: (each: Second) => number) =>
      group.reduce((sum, each) => sum + of(each), 0) / step;
    const latencies = group.flatMap((each) => each.latencies).sort((a, b) => a - b);
    made.at.push(first + index * step);
    made.submitted.push(rate((each) => each.submitted));
    made.succeeded.push(rate((each) => each.succeeded));
    made.failed.push(rate((each) => each.failed));
    made.p50.push(quantile(latencies, 0.5));
    made.p95.push(quantile(latencies, 0.95));
  }
  return made;
}
