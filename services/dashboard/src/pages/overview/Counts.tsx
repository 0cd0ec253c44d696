/** Jobs by status: what is under way from the queues, what ended today from dry runs, then from events. */
import { SimpleGrid, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { post } from "@/api/http";
import { queuesQuery } from "@/api/queries";
import { tallied, tally } from "@/live/feed";
import { counted } from "@/live/figures";
import { useStore } from "@/live/store";
import { Dot } from "@/parts/Status";

const DAY_MS = 86_400_000;
const ENDED = ["succeeded", "failed", "cancelled"] as const;
type Ended = (typeof ENDED)[number];

interface Today {
  counts: Record<Ended, number>;
  more: Set<Ended>;
  at: number;
}

async function today(): Promise<Today> {
  const created_after = new Date(Date.now() - DAY_MS).toISOString();
  const made: Today = {
    counts: { succeeded: 0, failed: 0, cancelled: 0 },
    more: new Set(),
    at: Date.now(),
  };
  for (const status of ENDED) {
    const done = await post("/v1/jobs/bulk", {
      body: { op: "delete", dry_run: true, cursor: null, filter: filterOf(status, created_after) },
    });
    made.counts[status] = done.matched;
    if (done.next_cursor) made.more.add(status);
  }
  return made;
}

function filterOf(status: Ended, created_after: string) {
  return {
    status: status === "failed" ? (["failed", "expired"] as const).slice() : [status],
    processor: null,
    labels: {},
    queue: null,
    pipeline: null,
    retry_of: null,
    system: false,
    created_after,
    created_before: null,
  };
}

function since(at: number, status: Ended): number {
  return tally.seconds
    .filter((each) => each.at * 1000 > at)
    .reduce((sum, each) => sum + (status === "cancelled" ? 0 : each[status]), 0);
}

export function Counts() {
  useStore(tallied);
  const queues = useQuery(queuesQuery);
  const ended = useQuery({ queryKey: ["today"], queryFn: today, retry: false });
  const sum = (of: "blocked" | "queued" | "running" | "retrying") =>
    queues.data?.reduce((total, queue) => total + queue[of], 0);
  const figure = (status: Ended) =>
    ended.data &&
    `${counted(ended.data.counts[status] + since(ended.data.at, status))}${ended.data.more.has(status) ? "+" : ""}`;
  return (
    <SimpleGrid cols={{ base: 2, xs: 4, lg: 7 }} spacing="sm">
      {(["running", "queued", "blocked", "retrying"] as const).map((status) => (
        <Count key={status} status={status} figure={counted(sum(status))} under="now" />
      ))}
      {ENDED.map((status) => (
        <Count key={status} status={status} figure={figure(status) ?? "–"} under="last 24 h" />
      ))}
    </SimpleGrid>
  );
}

function Count({ status, figure, under }: { status: string; figure: string; under: string }) {
  const q = status === "failed" ? "status:failed,expired" : `status:${status}`;
  return (
    <Link
      to="/jobs"
      search={{ q }}
      className="panel nav-link"
      style={{ display: "block", padding: "10px 12px" }}
    >
      <Text
        component="span"
        fz="xs"
        c="dimmed"
        style={{ display: "flex", alignItems: "center", gap: 6 }}
      >
        <Dot status={status === "running" && figure === "0" ? "idle" : status} /> {status}
      </Text>
      <Text
        component="span"
        fz={22}
        fw={620}
        className="num"
        lh={1.35}
        style={{ display: "block" }}
      >
        {figure}
      </Text>
      <Text component="span" fz={11} c="dimmed">
        {under}
      </Text>
    </Link>
  );
}
