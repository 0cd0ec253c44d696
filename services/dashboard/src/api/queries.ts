/** What is read of the API: each answer is kept and then changed by events, never asked for by a clock. */
import { keepPreviousData, QueryClient, queryOptions } from "@tanstack/react-query";
import { get, getValue } from "@/api/http";
import { everyPage } from "@/api/pages";
import { Problem } from "@/api/problem";
import { caughtUpDataset, caughtUpJob, caughtUpJobs } from "@/live/feed";
import { asQuery } from "@/live/filter";
import type { JobEvent } from "@/live/jobs";
import { type JobListKey, keys } from "@/live/keys";

const TRIES = 3;
/** Events change only what they are about: what stayed the same is the same object already. */
const folded = { structuralSharing: false } as const;

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Number.POSITIVE_INFINITY,
      gcTime: 60_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) =>
        failures < TRIES && !(error instanceof Problem && error.status < 500),
    },
  },
});

export const jobsQuery = (list: JobListKey) =>
  queryOptions({
    queryKey: keys.jobs(list),
    ...folded,
    queryFn: async ({ signal }) => {
      const query = {
        ...asQuery(list.filter),
        limit: list.limit,
        ...(list.cursor && { cursor: list.cursor }),
      };
      return caughtUpJobs(await get("/v1/jobs", { query, signal }), list);
    },
    placeholderData: keepPreviousData,
  });

export const jobQuery = (id: string) =>
  queryOptions({
    queryKey: keys.job(id),
    ...folded,
    queryFn: async ({ signal }) =>
      caughtUpJob(await get("/v1/jobs/{job_id}", { path: { job_id: id }, signal })),
  });

export const jobEventsQuery = (id: string) =>
  queryOptions({
    queryKey: keys.jobEvents(id),
    ...folded,
    queryFn: async ({ signal }) => {
      const events = await everyPage((query) =>
        get("/v1/jobs/{job_id}/events", { path: { job_id: id }, query, signal }),
      );
      return events as unknown as JobEvent[];
    },
  });

export const attemptsQuery = (id: string) =>
  queryOptions({
    queryKey: keys.attempts(id),
    queryFn: async ({ signal }) =>
      (await get("/v1/jobs/{job_id}/attempts", { path: { job_id: id }, signal })).items,
  });

export const datasetsQuery = (cursor: string | null, { trash = false, limit = 50 } = {}) =>
  queryOptions({
    queryKey: keys.datasets(cursor, trash),
    ...folded,
    queryFn: async ({ signal }) => {
      const page = await get("/v1/datasets", {
        query: { limit, ...(cursor && { cursor }), ...(trash && { status: "deleted" as const }) },
        signal,
      });
      return { ...page, items: page.items.map(caughtUpDataset) };
    },
    placeholderData: keepPreviousData,
  });

export const datasetQuery = (id: string) =>
  queryOptions({
    queryKey: keys.dataset(id),
    ...folded,
    queryFn: async ({ signal }) =>
      caughtUpDataset(await get("/v1/datasets/{dataset_id}", { path: { dataset_id: id }, signal })),
  });

export const processorsQuery = queryOptions({
  queryKey: keys.processors,
  queryFn: async ({ signal }) => (await get("/v1/processors", { signal })).items,
});

export const pipelinesQuery = queryOptions({
  queryKey: keys.pipelines,
  queryFn: async ({ signal }) => (await get("/v1/pipelines", { signal })).items,
});

export const queuesQuery = queryOptions({
  queryKey: keys.queues,
  queryFn: async ({ signal }) => (await get("/v1/queues", { signal })).items,
});

export const workersQuery = queryOptions({
  queryKey: keys.workers,
  queryFn: async ({ signal }) => (await get("/v1/workers", { signal })).items,
});

export const failuresQuery = (since: string) =>
  queryOptions({
    queryKey: keys.failures(since),
    queryFn: async ({ signal }) =>
      (await get("/v1/failures", { query: { since, limit: 100 }, signal })).items,
  });

export const lettersQuery = (cursor: string | null) =>
  queryOptions({
    queryKey: keys.letters(cursor),
    queryFn: async ({ signal }) =>
      await get("/v1/dead-letters", { query: { limit: 50, ...(cursor && { cursor }) }, signal }),
    placeholderData: keepPreviousData,
  });

export const meQuery = queryOptions({
  queryKey: keys.me,
  queryFn: async ({ signal }) => await get("/v1/me", { signal }),
});

export const infoQuery = queryOptions({
  queryKey: keys.info,
  queryFn: async ({ signal }) => await get("/v1/info", { signal }),
});

export const valueQuery = <T>(url: string, enabled = true) =>
  queryOptions({
    queryKey: ["value", url],
    queryFn: async ({ signal }) => await getValue<T>(url, signal),
    enabled,
  });
