/** Names of what is kept of the API's answers, so that events find what they change. */
import type { Filter } from "@/live/filter";

export interface JobListKey {
  filter: Filter;
  cursor: string | null;
  limit: number;
}

export interface DatasetListKey {
  cursor: string | null;
  trash: boolean;
}

export const keys = {
  jobs: (list: JobListKey) => ["jobs", list] as const,
  job: (id: string) => ["job", id] as const,
  jobEvents: (id: string) => ["job-events", id] as const,
  attempts: (id: string) => ["attempts", id] as const,
  datasets: (cursor: string | null, trash: boolean) => ["datasets", { cursor, trash }] as const,
  dataset: (id: string) => ["dataset", id] as const,
  queues: ["queues"] as const,
  workers: ["workers"] as const,
  failures: (since: string) => ["failures", since] as const,
  letters: (cursor: string | null) => ["letters", cursor] as const,
  processors: ["processors"] as const,
  pipelines: ["pipelines"] as const,
  me: ["me"] as const,
  info: ["info"] as const,
};
