import { Group, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { jobsQuery } from "@/api/queries";
import { nameOf } from "@/parts/naming";
import { Empty, Loaded } from "@/parts/Page";
import { Panel } from "@/parts/Panel";
import { Status } from "@/parts/Status";

const LATEST = { filter: { status: [], labels: {}, system: false }, cursor: null, limit: 8 };

export function RecentJobs() {
  const jobs = useQuery(jobsQuery(LATEST));
  return (
    <Panel
      title="Latest jobs"
      aside={
        <Link to="/jobs" className="small">
          All
        </Link>
      }
    >
      <Loaded of={jobs} height={60}>
        {(page) =>
          page.items.length === 0 ? (
            <Empty title="No jobs yet">
              <Link to="/jobs/new">Submit the first one</Link>
            </Empty>
          ) : (
            <Stack gap={6}>
              {page.items.slice(0, 8).map((job) => (
                <Group key={job.id} justify="space-between" wrap="nowrap" gap="xs">
                  <Link to="/jobs/$id" params={{ id: job.id }} className="plain truncate">
                    {nameOf(job)}
                  </Link>
                  <Status status={job.status} />
                </Group>
              ))}
            </Stack>
          )
        }
      </Loaded>
    </Panel>
  );
}
