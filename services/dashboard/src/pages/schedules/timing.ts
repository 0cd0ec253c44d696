/** A schedule while it is written. */

import type { Times } from "@/api/automation";
import type { Loose, Schema } from "@/api/http";
import { orderOf, startOf, type Writing } from "@/pages/newjob/order";
import { edited, specsOf } from "@/pages/pipelines/steps";

type SubmitJob = Schema["SubmitJob"];

export interface Timing {
  name: string;
  by: "cron" | "every";
  cron: string;
  timeZone: string;
  every: number;
  overlap: Schema["Overlap"];
  catchUpS: number;
  jitterS: number;
  pauseOnFailure: number | null;
}

export function timingOf(schedule: Schema["Schedule"] | null): Timing {
  return {
    name: schedule?.name ?? "",
    by: schedule?.every ? "every" : "cron",
    cron: schedule?.cron ?? "0 6 * * *",
    timeZone: schedule?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    every: schedule?.every ?? 3600,
    overlap: schedule?.overlap ?? "skip",
    catchUpS: schedule?.catch_up_s ?? 600,
    jitterS: schedule?.jitter_s ?? 0,
    pauseOnFailure: schedule?.pause_on_failure ?? null,
  };
}

/** When it runs, as the preview asks for it. */
export function timesOf(timing: Timing): Times {
  return timing.by === "every"
    ? { every: timing.every }
    : { cron: timing.cron.trim(), time_zone: timing.timeZone };
}

export function writingOf(job: SubmitJob | null): Writing {
  return startOf(
    {},
    job && {
      pipeline: null,
      processor: job.processor ?? null,
      params: (job.params as Record<string, unknown> | null) ?? {},
      steps: job.steps ? edited(job.steps) : null,
      datasetId: job.dataset_id ?? null,
      value: job.value,
      queue: job.queue ?? "",
      concurrencyKey: job.concurrency_key ?? "",
      priority: job.priority ?? 4,
      labels: job.labels ?? {},
    },
  );
}

/** The job that each time submits; a pipeline's steps are copied into it. */
export function jobOf(
  writing: Writing,
  before: SubmitJob | null,
  pipelines: readonly Schema["Pipeline"][],
): Loose<SubmitJob> | Error {
  const order = orderOf(writing);
  if (order instanceof Error) return order;
  const kept = before && { timeouts: before.timeouts, max_attempts: before.max_attempts };
  const pipeline = pipelines.find((each) => each.name === order.pipeline);
  const steps = pipeline && { steps: specsOf(edited(pipeline.steps)) };
  return { ...kept, ...order.body, ...steps };
}

export function orderOfSchedule(timing: Timing, job: Loose<SubmitJob>) {
  return {
    job,
    ...(timing.by === "every"
      ? { every: timing.every, cron: null }
      : { cron: timing.cron.trim(), time_zone: timing.timeZone, every: null }),
    overlap: timing.overlap,
    catch_up_s: timing.catchUpS,
    jitter_s: timing.jitterS,
    pause_on_failure: timing.pauseOnFailure,
  };
}
