/** What failed, grouped by what it has in common, and what nobody tries again by itself. */
import { Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { Schema } from "@/api/http";
import { failuresQuery } from "@/api/queries";
import { counted } from "@/live/figures";
import { Letters } from "@/pages/operations/Letters";
import { dayAgo } from "@/pages/operations/since";
import { JobLink } from "@/parts/JobLink";
import { type ListColumn, Listing } from "@/parts/Listing";
import { Loaded, PageHead } from "@/parts/Page";
import { Panel } from "@/parts/Panel";
import { When } from "@/parts/When";

const COLUMNS: ListColumn<Schema["Failure"]>[] = [
  { head: "Jobs", cell: (each) => counted(each.count), right: true },
  { head: "Processor", cell: (each) => each.processor },
  {
    head: "Error",
    most: 420,
    cell: (each) => (
      <>
        <b>{each.type ?? each.code}</b>{" "}
        <span className="aside" title={each.message}>
          {each.message}
        </span>
      </>
    ),
  },
  { head: "Last seen", cell: (each) => <When at={each.last_seen_at} /> },
  { head: "Example", cell: (each) => <JobLink id={each.example_job_id} /> },
];

export function Failures() {
  const failures = useQuery(failuresQuery(dayAgo()));
  return (
    <>
      <PageHead title="Failed inbox" under="The last 24 hours" />
      <Stack gap="sm">
        <Panel title="Failures" flush>
          <Loaded of={failures}>
            {(items) => (
              <Listing
                label="Failures"
                items={items}
                columns={COLUMNS}
                keyOf={(each) => each.fingerprint}
                empty={{ title: "Nothing failed", text: "Failed jobs are counted here by cause." }}
              />
            )}
          </Loaded>
        </Panel>
        <Letters />
      </Stack>
    </>
  );
}
