/** What runs and what is told by itself: schedules and webhooks. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { get } from "@/api/http";
import { paged } from "@/api/pages";

export const schedulesQuery = (cursor: string | null) =>
  queryOptions({
    queryKey: ["schedules", cursor],
    queryFn: async ({ signal }) => await get("/v1/schedules", { query: paged(cursor), signal }),
    placeholderData: keepPreviousData,
  });

export const scheduleQuery = (id: string) =>
  queryOptions({
    queryKey: ["schedule", id],
    queryFn: async ({ signal }) =>
      await get("/v1/schedules/{schedule_id}", { path: { schedule_id: id }, signal }),
  });

export const runsQuery = (id: string, cursor: string | null) =>
  queryOptions({
    queryKey: ["schedule-runs", id, cursor],
    queryFn: async ({ signal }) =>
      await get("/v1/schedules/{schedule_id}/runs", {
        path: { schedule_id: id },
        query: paged(cursor),
        signal,
      }),
    placeholderData: keepPreviousData,
  });

export interface Times {
  cron?: string;
  time_zone?: string;
  every?: number;
}

export const timesQuery = (times: Times) =>
  queryOptions({
    queryKey: ["next-times", times],
    queryFn: async ({ signal }) =>
      (await get("/v1/schedules/next", { query: { ...times, count: 5 }, signal })).items,
    enabled: Boolean(times.cron || times.every),
    placeholderData: keepPreviousData,
    staleTime: 0,
  });

export const webhooksQuery = (cursor: string | null) =>
  queryOptions({
    queryKey: ["webhooks", cursor],
    queryFn: async ({ signal }) => await get("/v1/webhooks", { query: paged(cursor), signal }),
    placeholderData: keepPreviousData,
  });

export const webhookQuery = (id: string) =>
  queryOptions({
    queryKey: ["webhook", id],
    queryFn: async ({ signal }) =>
      await get("/v1/webhooks/{webhook_id}", { path: { webhook_id: id }, signal }),
  });

export const deliveriesQuery = (id: string, status: string | null, cursor: string | null) =>
  queryOptions({
    queryKey: ["deliveries", id, status, cursor],
    queryFn: async ({ signal }) =>
      await get("/v1/webhooks/{webhook_id}/deliveries", {
        path: { webhook_id: id },
        query: {
          limit: 50,
          ...(status && { status: status as "pending" }),
          ...(cursor && { cursor: Number(cursor) }),
        },
        signal,
      }),
    placeholderData: keepPreviousData,
  });
