/** Jobs of other systems, out of files. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { authorized, get, problemOf, type Schema } from "@/api/http";
import { read } from "@/api/json";
import type { JobEvent } from "@/live/jobs";

const PAGE = 1000;

export const archivesQuery = (cursor: string | null) =>
  queryOptions({
    queryKey: ["archives", cursor],
    queryFn: async ({ signal }) =>
      await get("/v1/archives", { query: { limit: 50, ...(cursor && { cursor }) }, signal }),
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
      const events: JobEvent[] = [];
      let cursor: string | null | undefined;
      do {
        const page = await get("/v1/archives/{archive_id}/events", {
          path: { archive_id: id },
          query: { limit: PAGE, ...(cursor && { cursor: Number(cursor) }) },
          signal,
        });
        events.push(...page.items.map((item) => item.event as unknown as JobEvent));
        cursor = page.next_cursor;
      } while (cursor);
      return events;
    },
  });

export async function bring(file: File): Promise<Schema["Archive"]> {
  const headers = { "Content-Type": "application/zip" };
  const answer = await authorized("/v1/archives", { method: "POST", headers, body: file });
  if (!answer.ok) throw await problemOf(answer);
  return read(await answer.text()) as Schema["Archive"];
}
