/** When which attempt ran which step, out of a job's events. */
import type { JobEvent } from "@/live/jobs";

export type BarStatus = "running" | "succeeded" | "failed" | "cancelled" | "lost" | "retried";

export interface Bar {
  step: string;
  from: number;
  to: number | null;
  status: BarStatus;
}

export interface Lane {
  attempt: number;
  worker: string;
  from: number;
  to: number | null;
  status: BarStatus;
  error: string | null;
  bars: Bar[];
  /** What this attempt still has to run. */
  left: string[];
}

export interface Timeline {
  from: number;
  started: number | null;
  to: number | null;
  lanes: Lane[];
}

const ENDED: Record<string, BarStatus> = {
  "job.succeeded": "succeeded",
  "job.failed": "failed",
  "job.cancelled": "cancelled",
  "job.expired": "failed",
};

export function timeline(events: readonly JobEvent[]): Timeline | null {
  const first = events[0];
  if (!first) return null;
  const made: Timeline = { from: Date.parse(first.at), started: null, to: null, lanes: [] };
  for (const event of events) add(made, event, Date.parse(event.at));
  return made;
}

function add(line: Timeline, event: JobEvent, at: number): void {
  switch (event.type) {
    case "job.started":
      line.started ??= at;
      line.lanes.push(laneOf(event, at));
      break;
    case "job.step_succeeded": {
      const lane = open(line, (each) => each.left[0] === event.step);
      if (lane) stepDone(lane, event.step, at);
      break;
    }
    case "job.step_failed": {
      const lane = open(line, (each) => each.left.includes(event.step));
      if (lane) close(lane, at, "failed", event.error.message);
      break;
    }
    case "job.retry_scheduled": {
      const lane = line.lanes.findLast((each) => each.attempt === event.attempt);
      if (lane) close(lane, at, "retried", event.error.message);
      break;
    }
    case "job.attempt_lost": {
      const lane = open(
        line,
        (each) => each.attempt === event.attempt && each.worker === event.worker,
      );
      if (lane) close(lane, at, "lost", event.reason);
      break;
    }
    default:
      if (event.type in ENDED) end(line, at, ENDED[event.type] ?? "failed");
  }
}

type Started = Extract<JobEvent, { type: "job.started" }>;

function laneOf(event: Started, at: number): Lane {
  const [step] = event.steps;
  const bars: Bar[] = step ? [{ step, from: at, to: null, status: "running" }] : [];
  return {
    attempt: event.attempt,
    worker: event.worker,
    from: at,
    to: null,
    status: "running",
    error: null,
    bars,
    left: [...event.steps],
  };
}

function open(line: Timeline, fits: (lane: Lane) => boolean): Lane | undefined {
  return line.lanes.findLast((lane) => lane.to === null && fits(lane));
}

function stepDone(lane: Lane, step: string, at: number): void {
  const bar = lane.bars.at(-1);
  if (bar?.step === step) {
    bar.to = at;
    bar.status = "succeeded";
  }
  lane.left.shift();
  const [next] = lane.left;
  if (next) lane.bars.push({ step: next, from: at, to: null, status: "running" });
  else {
    lane.to = at;
    lane.status = "succeeded";
  }
}

function close(lane: Lane, at: number, status: BarStatus, error: string | null): void {
  lane.to ??= at;
  lane.status = status;
  lane.error = error ?? lane.error;
  const bar = lane.bars.at(-1);
  if (bar && (bar.to === null || bar.status === "failed")) {
    bar.to ??= at;
    bar.status = status === "retried" ? "failed" : status;
  }
}

function end(line: Timeline, at: number, status: BarStatus): void {
  line.to = at;
  for (const lane of line.lanes) if (lane.to === null) close(lane, at, status, null);
}
