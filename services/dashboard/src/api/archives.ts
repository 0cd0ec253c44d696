/** Jobs of other systems, out of files. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { authorized, get, problemOf, type Schema } from "@/api/http";
import { read } from "@/api/json";
import { everyPage, paged } from "@/api/pages";
import type { JobEvent } from "@/live/jobs";

export const archivesQuery = (cursor: string | null) =>
  queryOptions({
    queryKey: ["archives", cursor],
    queryFn: async ({ signal }) => await get("/v1/archives", { query: paged(cursor), signal }),
    placeholderData: keepPreviousData,
  });

export const archiveQuery = (id: string) =>
  queryOptions({
    queryKey: ["archive", id],
    queryFn: async ({ signal }) =>
      await get("/v1/archives/{archive_id}", { path: { archive_id: id }, signal }),
  });

export const archiveEventsQuery = (id: string) =>
  queryOptions({
    queryKey: ["archive-events", id],
    queryFn: async ({ signal }) => {
      const told = await everyPage((query) =>
        get("/v1/archives/{archive_id}/events", { path: { archive_id: id }, query, signal }),
      );
      return told.map((item) => item.event as unknown as JobEvent);
    },
  });

export async function bring(file: File): Promise<Schema["Archive"]> {
  const headers = { "Content-Type": "application/zip" };
  const answer = await authorized("/v1/archives", { method: "POST", headers, body: file });
  if (!answer.ok) throw await problemOf(answer);
  return read(await answer.text()) as Schema["Archive"];
}
