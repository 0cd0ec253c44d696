import { useQuery } from "@tanstack/react-query";
import type { Schema } from "@/api/http";
import { attemptsQuery } from "@/api/queries";
import { lasted } from "@/live/figures";
import { type ListColumn, Listing } from "@/parts/Listing";
import { Loaded } from "@/parts/Page";
import { Status } from "@/parts/Status";
import { When } from "@/parts/When";

const COLUMNS: ListColumn<Schema["Attempt"]>[] = [
  { head: "Attempt", cell: (each) => each.attempt },
  { head: "Outcome", cell: (each) => <Status status={each.outcome ?? "running"} /> },
  { head: "Worker", cell: (each) => each.worker },
  {
    head: "Took",
    cell: (each) => (each.duration_s === null ? "–" : lasted(1000 * each.duration_s)),
  },
  { head: "Began", cell: (each) => <When at={each.started_at} /> },
  {
    head: "Error",
    most: 320,
    cell: (each) => (
      <span className="aside" title={each.error?.traceback ?? each.error?.message}>
        {each.error?.message}
      </span>
    ),
  },
];

/** Every run of every part of the job. */
export function Attempts({ jobId }: { jobId: string }) {
  const attempts = useQuery(attemptsQuery(jobId));
  return (
    <div className="panel">
      <Loaded of={attempts}>
        {(items) => (
          <Listing
            label="Attempts"
            items={items}
            columns={COLUMNS}
            keyOf={(each) => each.run_id}
            empty={{ title: "No attempt has begun", text: "It waits for a worker." }}
          />
        )}
      </Loaded>
    </div>
  );
}
