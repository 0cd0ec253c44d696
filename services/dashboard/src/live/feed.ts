/**
 * From the socket to the screen: events wait for the next frame, or for as long as somebody pauses.
 * Where they come thick they are shown five times a second.
 */
import type { QueryClient } from "@tanstack/react-query";
import { Applier } from "@/live/apply";
import type { AnyEvent, LogLine, Placed, Progress, ServerFrame } from "@/live/frames";
import type { Job } from "@/live/jobs";
import type { JobListKey } from "@/live/keys";
import type { Dataset } from "@/live/lists";
import { foldJob, foldOneDataset, foldPage, type Page } from "@/live/lists";
import { type Store, store } from "@/live/store";
import { type Link, Stream } from "@/live/stream";
import { count, emptyTally } from "@/live/tally";

export interface Connection {
  link: Link;
  /** The newest cursor that the server told of, and the newest that is on the screen. */
  head: string | null;
  seen: string | null;
  live: boolean;
  paused: boolean;
  waiting: number;
}

const ALL = "all";
const RECENT_MS = 60_000;
const RECENT_MOST = 20_000;
const TAIL_MOST = 2_000;
const HIDDEN_MS = 1_000;
/** Faster than that nobody reads, and each time costs the browser a few frames. */
const REST_MS = 200;

export const connection: Store<Connection> = store<Connection>({
  link: "closed",
  head: null,
  seen: null,
  live: false,
  paused: false,
  waiting: 0,
});
export const tally = emptyTally();
export const tallied: Store<number> = store(0);
/** The last events as they came, for the tail of the page “Events”. */
export const tail: Store<readonly Placed[]> = store<readonly Placed[]>([]);

type Lines = (lines: LogLine[], skipped: number) => void;

const progress = new Map<string, Store<Progress | null>>();
const lineListeners = new Map<string, Set<Lines>>();
let recent: { at: number; event: AnyEvent }[] = [];
let queue: Placed[] = [];
let pendingProgress = new Map<string, Progress>();
let scheduled = false;
let flushed = 0;
let applier: Applier | null = null;
let client: QueryClient | null = null;
let onSignedOut: () => void = () => undefined;

const stream = new Stream({
  frame: hear,
  link: (link) => connection.set((now) => ({ ...now, link, live: link === "open" && now.live })),
  signedOut: () => onSignedOut(),
});

export function start(queries: QueryClient, signedOut: () => void): void {
  client = queries;
  applier = new Applier(queries);
  onSignedOut = signedOut;
  stream.subscribe(ALL, { topics: ["all"], since: "now" });
  stream.open();
  window.addEventListener("online", hurry);
}

export function stop(): void {
  window.removeEventListener("online", hurry);
  stream.unsubscribe(ALL);
  stream.close();
  queue = [];
  recent = [];
  tail.set([]);
  tally.seconds = [];
  tally.submittedAt.clear();
  connection.set((now) => ({
    ...now,
    head: null,
    seen: null,
    live: false,
    paused: false,
    waiting: 0,
  }));
}

function hurry(): void {
  stream.hurry();
}

export function pause(paused: boolean): void {
  connection.set((now) => ({ ...now, paused }));
  if (!paused) schedule();
}

export function progressOf(jobId: string): Store<Progress | null> {
  const known = progress.get(jobId);
  if (known) return known;
  const made = store<Progress | null>(null);
  progress.set(jobId, made);
  return made;
}

/** What a job says, as it says it. */
export function followLines(jobId: string, listener: Lines): () => void {
  const id = `log-${jobId}`;
  const listeners = lineListeners.get(jobId) ?? new Set();
  lineListeners.set(jobId, listeners);
  if (listeners.size === 0) {
    stream.subscribe(id, { topics: [`job.${jobId}`], types: ["job.log"], since: "now" });
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      lineListeners.delete(jobId);
      stream.unsubscribe(id);
    }
  };
}

/** An answer with the events that came while it was on its way. */
export function caughtUpJob(job: Job): Job {
  return foldJob(job, recentEvents()).value;
}

export function caughtUpJobs(page: Page<Job>, list: JobListKey): Page<Job> {
  const { filter, cursor, limit } = list;
  const since = page.items[0]?.created_at ?? "";
  // older jobs that are not on the page do not fit its filter any more
  const fresh = recentEvents().filter((each) => each.type !== "job.submitted" || each.at > since);
  return foldPage(page, fresh, { filter, first: !cursor, limit }).value;
}

export function caughtUpDataset(dataset: Dataset): Dataset {
  return foldOneDataset(dataset, recentEvents());
}

export function recentEvents(): AnyEvent[] {
  return recent.map((each) => each.event);
}

function hear(frame: ServerFrame): void {
  switch (frame.op) {
    case "ready":
      connection.set((now) => ({ ...now, head: frame.head, seen: now.seen ?? frame.head }));
      break;
    case "heartbeat":
      connection.set((now) => ({ ...now, head: frame.head }));
      break;
    case "events":
      if (frame.id === ALL) take(frame.items);
      break;
    case "live":
      if (frame.id === ALL) live(frame.cursor);
      break;
    case "progress":
      pendingProgress.set(frame.job_id, frame.progress);
      schedule();
      break;
    case "log":
      for (const listener of lineListeners.get(frame.job_id) ?? []) {
        listener(frame.lines, frame.skipped ?? 0);
      }
      break;
    case "gap":
      void client?.invalidateQueries();
      break;
    default:
  }
}

/** The first time, what was read before the stream stood may have missed something. */
function live(cursor: string): void {
  const first = !connection.get().live && recent.length === 0;
  connection.set((now) => ({ ...now, live: true, seen: now.paused ? now.seen : cursor }));
  if (first)
    void client?.invalidateQueries({ predicate: (query) => query.state.data !== undefined });
}

function take(items: Placed[]): void {
  const at = Date.now();
  for (const item of items) {
    queue.push(item);
    recent.push({ at, event: item.event });
  }
  const head = items.at(-1)?.cursor ?? null;
  const { paused } = connection.get();
  connection.set((now) => ({ ...now, head, waiting: paused ? queue.length : now.waiting }));
  schedule();
}

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  if (document.hidden) setTimeout(flush, HIDDEN_MS);
  else setTimeout(() => requestAnimationFrame(flush), flushed + REST_MS - Date.now());
}

function flush(): void {
  scheduled = false;
  flushed = Date.now();
  const { paused } = connection.get();
  if (paused) return;
  const items = queue;
  queue = [];
  const said = pendingProgress;
  pendingProgress = new Map();
  for (const [id, each] of said) progress.get(id)?.set(each);
  if (items.length === 0) {
    connection.set((now) => (now.waiting ? { ...now, waiting: 0 } : now));
    return;
  }
  const events = items.map((item) => item.event);
  count(tally, events);
  tallied.set((before) => before + 1);
  applier?.apply(events);
  tail.set((before) => [...before, ...items].slice(-TAIL_MOST));
  const oldest = Date.now() - RECENT_MS;
  recent = recent.filter((each) => each.at > oldest).slice(-RECENT_MOST);
  connection.set((now) => ({ ...now, seen: items.at(-1)?.cursor ?? now.seen, waiting: 0 }));
}
