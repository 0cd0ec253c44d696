/** What an event makes of a job: pure, the same for live events, replays and time travel. */
import type { Schema } from "@/api/http";
import type { AnyEvent, EventOf } from "@/live/frames";

export type Job = Schema["Job"];
export type Step = Schema["Step"];
export type JobStatus = Schema["JobStatus"];
export type JobEvent = Extract<AnyEvent, { job_id: string; seq: number; type: `job.${string}` }>;

export const STATUSES: readonly JobStatus[] = [
  "scheduled",
  "blocked",
  "queued",
  "running",
  "retrying",
  "cancelling",
  "succeeded",
  "failed",
  "cancelled",
  "expired",
];
export const ENDINGS: readonly JobStatus[] = ["succeeded", "failed", "cancelled", "expired"];
export const RETRIED: readonly JobStatus[] = ["failed", "cancelled", "expired", "succeeded"];

export function hasEnded(job: { status: JobStatus }): boolean {
  return ENDINGS.includes(job.status);
}

export function isJobEvent(event: AnyEvent): event is JobEvent {
  return event.type.startsWith("job.");
}

/** A job out of its first event. */
export function begun(event: EventOf<"job.submitted">): Job {
  return {
    id: event.job_id,
    tenant_id: event.tenant_id,
    status: event.status ?? "queued",
    blocked_reason: null,
    dataset_id: event.dataset_id ?? null,
    pipeline: event.pipeline ?? null,
    steps: event.steps as Step[],
    progress: null,
    result: null,
    error: null,
    cancel: null,
    attempt: 0,
    queue: event.queue ?? "default",
    priority: event.priority ?? 4,
    labels: (event.labels ?? {}) as Record<string, string>,
    retry_of: event.retry_of ?? null,
    concurrency_key: event.concurrency_key ?? null,
    next_attempt_at: null,
    created_at: event.at,
    updated_at: event.at,
    started_at: null,
    finished_at: null,
    seq: event.seq,
  };
}

export type Folded = { job: Job; hole: boolean };

/** The job behind this event; what it knew already changes nothing, a hole is told. */
export function fold(job: Job, event: JobEvent): Folded {
  if (event.seq <= job.seq) return { job, hole: false };
  const changed = { ...job, ...change(job, event), seq: event.seq, updated_at: event.at };
  return { job: changed, hole: event.seq > job.seq + 1 };
}

/** A job as its events up to `last` made it; null before its first. */
export function folded(events: readonly JobEvent[], last = events.length - 1): Job | null {
  let job: Job | null = null;
  for (const event of events.slice(0, last + 1)) {
    job = job ? fold(job, event).job : event.type === "job.submitted" ? begun(event) : null;
  }
  return job;
}

/** A job and its events as they were after the first `at`; as they are now unless that is past. */
export function asOf(now: Job, events: JobEvent[], at: number | undefined) {
  if (at === undefined || at >= events.length) return { job: now, seen: events, past: false };
  const seen = events.slice(0, at);
  return { job: folded(seen) ?? now, seen, past: true };
}

function change(job: Job, event: JobEvent): Partial<Job> {
  switch (event.type) {
    case "job.queued":
      return { status: "queued", blocked_reason: null, next_attempt_at: null };
    case "job.blocked":
      return { status: "blocked", blocked_reason: event.reason };
    case "job.started":
      return started(job, event);
    case "job.step_succeeded":
      return {
        steps: stepSucceeded(job, event),
        ...(event.progress && { progress: event.progress as Job["progress"] }),
      };
    case "job.step_failed":
      return { steps: stepFailed(job, event) };
    case "job.retry_scheduled":
      return {
        status: othersRun(job) ? job.status : "retrying",
        next_attempt_at: event.next_attempt_at,
      };
    case "job.attempt_lost":
      return {
        steps: job.steps.map((step) =>
          step.status === "running" ? { ...step, status: "pending" } : step,
        ),
      };
    case "job.cancel_requested":
      return { status: "cancelling", cancel: event.cancel as Job["cancel"], blocked_reason: null };
    case "job.succeeded":
    case "job.failed":
    case "job.cancelled":
    case "job.expired":
      return ended(job, event);
    default:
      return {};
  }
}

function othersRun(job: Job): boolean {
  return job.steps.some((step) => step.status === "running");
}

function started(job: Job, event: EventOf<"job.started">): Partial<Job> {
  const first = event.steps[0];
  return {
    status: "running",
    blocked_reason: null,
    next_attempt_at: null,
    attempt: Math.max(job.attempt, event.attempt),
    started_at: job.started_at ?? event.at,
    steps: job.steps.map((step) => (step.name === first ? { ...step, status: "running" } : step)),
  };
}

/** The step that follows in the same task runs next: the one that needs this step alone. */
function stepSucceeded(job: Job, event: EventOf<"job.step_succeeded">): Step[] {
  const next = job.steps.filter((step) => step.needs?.length === 1 && step.needs[0] === event.step);
  return job.steps.map((step) => {
    if (step.name === event.step) {
      return {
        ...step,
        status: "succeeded",
        error: null,
        result: (event.result ?? null) as Step["result"],
      };
    }
    const follows = next.length === 1 && next[0]?.name === step.name && step.status === "pending";
    return follows ? { ...step, status: "running" } : step;
  });
}

/** Whether it is tried again the next event tells: a retry, or an ending. */
function stepFailed(job: Job, event: EventOf<"job.step_failed">): Step[] {
  const error = event.error as Step["error"];
  return job.steps.map((step) => {
    if (step.name !== event.step) return step;
    return { ...step, error, status: step.on_error === "continue" ? "failed" : "pending" };
  });
}

type Ending = EventOf<"job.succeeded" | "job.failed" | "job.cancelled" | "job.expired">;

function ended(job: Job, event: Ending): Partial<Job> {
  const error = "error" in event ? (event.error as Job["error"]) : null;
  const steps = job.steps.map((step): Step => {
    if (step.status === "failed" || step.status === "succeeded") return step;
    if (error && error.step === step.name) return { ...step, status: "failed", error };
    return { ...step, status: "cancelled", error: null };
  });
  return {
    status: event.type.slice("job.".length) as JobStatus,
    finished_at: event.at,
    next_attempt_at: null,
    blocked_reason: null,
    error,
    steps,
    ...("result" in event && { result: event.result as Job["result"] }),
    ...("cancel" in event && event.cancel && { cancel: event.cancel as Job["cancel"] }),
  };
}
