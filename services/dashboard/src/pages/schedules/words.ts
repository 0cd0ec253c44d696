/** Schedules in a few words. */
import type { Schema } from "@/api/http";
import { lasted } from "@/live/figures";

type Schedule = Schema["Schedule"];

export function rhythm(schedule: Schedule): string {
  if (schedule.every) return `every ${lasted(schedule.every * 1000)}`;
  return `${schedule.cron} ${schedule.time_zone ?? "UTC"}`;
}

export function whatOf({ job }: Schedule): string {
  return job.processor ?? (job.steps ?? []).map((step) => step.name ?? step.processor).join(" → ");
}
