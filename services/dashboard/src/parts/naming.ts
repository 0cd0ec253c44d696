/** What to call a job. */
import type { Job } from "@/live/jobs";

export function nameOf(job: Job): string {
  if (job.pipeline) return job.pipeline;
  const [first, ...others] = job.steps;
  if (!first) return "job";
  return others.length ? `${first.processor} → ${others.at(-1)?.processor}` : first.processor;
}
