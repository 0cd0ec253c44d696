/** Who may come in, what they did, and how much there is of what. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { get } from "@/api/http";

export const apiKeysQuery = queryOptions({
  queryKey: ["api-keys"],
  queryFn: async ({ signal }) => (await get("/v1/api-keys", { signal })).items,
});

export const sessionsQuery = queryOptions({
  queryKey: ["sessions"],
  queryFn: async ({ signal }) => (await get("/v1/sessions", { signal })).items,
});

export const membersQuery = queryOptions({
  queryKey: ["members"],
  queryFn: async ({ signal }) => (await get("/v1/members", { signal })).items,
});

export const invitationsQuery = queryOptions({
  queryKey: ["invitations"],
  queryFn: async ({ signal }) => (await get("/v1/invitations", { signal })).items,
});

export interface AuditAsked {
  actor_id?: string;
  action?: string;
  target?: string;
  cursor?: string;
}

export const auditQuery = (asked: AuditAsked) =>
  queryOptions({
    queryKey: ["audit", asked],
    queryFn: async ({ signal }) =>
      await get("/v1/audit", { query: { ...asked, limit: 50 }, signal }),
    placeholderData: keepPreviousData,
    staleTime: 0,
  });

export const usageQuery = queryOptions({
  queryKey: ["usage"],
  queryFn: async ({ signal }) => await get("/v1/usage", { signal }),
  staleTime: 0,
});
