/** Who works, and on what. */
import { useQuery } from "@tanstack/react-query";
import type { Schema } from "@/api/http";
import { workersQuery } from "@/api/queries";
import { type ListColumn, Listing } from "@/parts/Listing";
import { Loaded, PageHead } from "@/parts/Page";
import { Status } from "@/parts/Status";
import { When } from "@/parts/When";

const COLUMNS: ListColumn<Schema["WorkerInfo"]>[] = [
  { head: "Worker", cell: (each) => each.name },
  { head: "Status", cell: (each) => <Status status={each.live ? "live" : "lost"} /> },
  { head: "Busy", cell: (each) => `${each.busy} / ${each.slots}`, right: true },
  { head: "Queues", cell: (each) => each.queues?.join(", ") },
  {
    head: "Processors",
    most: 420,
    cell: (each) => <span title={each.processors.join(", ")}>{each.processors.join(", ")}</span>,
  },
  { head: "Last seen", cell: (each) => <When at={each.last_seen_at} /> },
];

export function Workers() {
  const workers = useQuery(workersQuery);
  return (
    <>
      <PageHead title="Workers" />
      <Loaded of={workers}>
        {(items) => (
          <div className="panel">
            <Listing
              label="Workers"
              items={items}
              columns={COLUMNS}
              keyOf={(each) => each.name}
              empty={{ title: "No worker has come yet", text: "Jobs wait until one comes." }}
            />
          </div>
        )}
      </Loaded>
    </>
  );
}
