/** A job that is being written: what “Edit and submit” takes over from another one. */
import type { Job } from "@/live/jobs";
import { type EditedStep, edited } from "@/pages/pipelines/steps";

export interface Draft {
  processor: string | null;
  pipeline: string | null;
  params: Record<string, unknown>;
  steps: EditedStep[] | null;
  datasetId: string | null;
  value: unknown;
  queue: string;
  concurrencyKey: string;
  priority: number;
  labels: Record<string, string>;
}

let kept: Draft | null = null;

export function keepDraft(draft: Draft): void {
  kept = draft;
}

/** The kept draft, once. */
export function takeDraft(): Draft | null {
  const draft = kept;
  kept = null;
  return draft;
}

export function draftOf(job: Job, value: unknown): Draft {
  const [only, ...others] = job.steps;
  const simple =
    only && others.length === 0 && !only.each && only.on_error !== "continue" && !only.input;
  return {
    processor: simple ? only.processor : null,
    pipeline: null,
    params: simple ? (only.params ?? {}) : {},
    steps: simple ? null : edited(job.steps),
    datasetId: job.dataset_id,
    value,
    queue: job.queue ?? "",
    concurrencyKey: job.concurrency_key ?? "",
    priority: job.priority ?? 4,
    labels: job.labels ?? {},
  };
}
