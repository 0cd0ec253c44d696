/** The order that what is written in the form makes. */
import { read, write } from "@/api/json";
import type { Draft } from "@/pages/newjob/draft";
import { specsOf } from "@/pages/pipelines/steps";

export interface Writing {
  what: "processor" | "pipeline" | "steps";
  processor: string | null;
  pipeline: string | null;
  params: Record<string, unknown>;
  steps: Draft["steps"];
  input: "dataset" | "value" | "nothing";
  datasetId: string | null;
  value: string;
  queue: string;
  concurrencyKey: string;
  priority: number;
  labels: string[];
  runAt: string;
}

export interface Order {
  path: string;
  pipeline: string | null;
  body: Record<string, unknown>;
}

export interface Asked {
  processor?: string | undefined;
  pipeline?: string | undefined;
  dataset?: string | undefined;
}

export function startOf(asked: Asked, draft: Draft | null): Writing {
  const hasValue = draft?.value !== undefined && draft?.value !== null;
  const datasetId = asked.dataset ?? draft?.datasetId ?? null;
  return {
    what: asked.pipeline ? "pipeline" : draft?.steps ? "steps" : "processor",
    processor: asked.processor ?? draft?.processor ?? null,
    pipeline: asked.pipeline ?? null,
    params: draft?.params ?? {},
    steps: draft?.steps ?? null,
    input: datasetId ? "dataset" : hasValue ? "value" : "nothing",
    datasetId,
    value: hasValue ? write(draft.value, 2) : "",
    queue: draft?.queue ?? "",
    concurrencyKey: draft?.concurrencyKey ?? "",
    priority: draft?.priority ?? 4,
    labels: Object.entries(draft?.labels ?? {}).map(([key, value]) => `${key}=${value}`),
    runAt: "",
  };
}

/** The order, or what it still lacks. */
export function orderOf(writing: Writing): Order | Error {
  const input: Record<string, unknown> = {};
  if (writing.input === "dataset") {
    if (!writing.datasetId) return new Error("Choose a dataset.");
    input["dataset_id"] = writing.datasetId;
  }
  if (writing.input === "value" && writing.value.trim()) {
    try {
      input["value"] = read(writing.value);
    } catch {
      return new Error("The value is not JSON; text stands in quotes.");
    }
  }
  const labels = labelsOf(writing.labels);
  const shared = {
    ...input,
    ...(writing.priority !== 4 && { priority: writing.priority }),
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(writing.queue && { queue: writing.queue }),
    ...(writing.concurrencyKey && { concurrency_key: writing.concurrencyKey }),
    ...(writing.runAt && { run_at: new Date(writing.runAt).toISOString() }),
  };
  if (writing.what === "pipeline") {
    if (!writing.pipeline) return new Error("Choose a pipeline.");
    return {
      path: `/v1/pipelines/${writing.pipeline}/jobs`,
      pipeline: writing.pipeline,
      body: shared,
    };
  }
  if (writing.what === "steps")
    return {
      path: "/v1/jobs",
      pipeline: null,
      body: { steps: specsOf(writing.steps ?? []), ...shared },
    };
  if (!writing.processor) return new Error("Choose a processor.");
  const params = Object.keys(writing.params).length > 0 && { params: writing.params };
  return {
    path: "/v1/jobs",
    pipeline: null,
    body: { processor: writing.processor, ...params, ...shared },
  };
}

export function labelsOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      return at < 1 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}
