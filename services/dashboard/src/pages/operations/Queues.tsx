/** Queues with the tenant's own work in them. */
import { Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { post, type Schema } from "@/api/http";
import { queuesQuery } from "@/api/queries";
import { counted } from "@/live/figures";
import { type ListColumn, Listing } from "@/parts/Listing";
import { failed } from "@/parts/notes";
import { Loaded, PageHead } from "@/parts/Page";
import { Status } from "@/parts/Status";

type Queue = Schema["Queue"];

const COUNTS = ["running", "queued", "blocked", "retrying", "slots", "workers"] as const;
const COLUMNS: ListColumn<Queue>[] = [
  {
    head: "Queue",
    cell: (queue) => (
      <Link to="/jobs" search={{ q: `queue:${queue.name}` }}>
        {queue.name}
      </Link>
    ),
  },
  {
    head: "Status",
    cell: (queue) => (
      <Status
        status={queue.paused || queue.paused_for_all ? "paused" : "live"}
        why={queue.paused_for_all ? "for everybody" : null}
      />
    ),
  },
  ...COUNTS.map((name) => ({
    head: name,
    right: true,
    cell: (queue: Queue) => counted(queue[name]),
  })),
  { head: "Orders", quiet: true, cell: (queue) => <Switch queue={queue} /> },
];

export function Queues() {
  const queues = useQuery(queuesQuery);
  return (
    <>
      <PageHead title="Queues" />
      <Loaded of={queues}>
        {(items) => (
          <div className="panel">
            <Listing
              label="Queues"
              items={items}
              columns={COLUMNS}
              keyOf={(queue) => queue.name}
              empty={{ title: "No queues yet", text: "A worker's queues appear when it comes." }}
            />
          </div>
        )}
      </Loaded>
    </>
  );
}

function Switch({ queue: { name, paused } }: { queue: Queue }) {
  const client = useQueryClient();
  const toggle = async () => {
    try {
      const path = { path: { name } };
      await (paused
        ? post("/v1/queues/{name}/resume", path)
        : post("/v1/queues/{name}/pause", path));
      await client.invalidateQueries({ queryKey: queuesQuery.queryKey });
    } catch (error) {
      failed(error, "The queue stays as it is");
    }
  };
  return (
    <Button size="compact-xs" variant="default" onClick={() => void toggle()}>
      {paused ? "Resume" : "Pause"}
    </Button>
  );
}
