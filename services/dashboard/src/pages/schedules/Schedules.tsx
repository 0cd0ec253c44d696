/** Jobs that are submitted by the clock. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { schedulesQuery } from "@/api/automation";
import type { Schema } from "@/api/http";
import { RunOf } from "@/pages/schedules/RunOf";
import { rhythm, whatOf } from "@/pages/schedules/words";
import type { ListColumn } from "@/parts/Listing";
import { Loaded, PageHead } from "@/parts/Page";
import { PagedListing } from "@/parts/PagedListing";
import { Status } from "@/parts/Status";
import { When } from "@/parts/When";

type Schedule = Schema["Schedule"];

const COLUMNS: ListColumn<Schedule>[] = [
  {
    head: "Name",
    most: 240,
    cell: (each) => (
      <Link to="/schedules/$id" params={{ id: each.id }} className="name">
        {each.name}
      </Link>
    ),
  },
  { head: "Status", cell: (each) => <Status status={each.paused ? "paused" : "active"} /> },
  { head: "Runs", cell: rhythm },
  { head: "What", cell: whatOf, most: 240 },
  {
    head: "Next time",
    cell: (each) => (each.paused || !each.next_run_at ? "–" : <When at={each.next_run_at} />),
  },
  { head: "Last time", cell: (each) => (each.last_run ? <RunOf run={each.last_run} /> : "–") },
];

export function Schedules() {
  const { cursor } = useSearch({ from: "/inside/schedules" });
  const navigate = useNavigate({ from: "/schedules" });
  const schedules = useQuery(schedulesQuery(cursor ?? null));
  return (
    <>
      <PageHead title="Schedules">
        <Link to="/schedules/new">
          <Button component="span">New schedule</Button>
        </Link>
      </PageHead>
      <Loaded of={schedules} height={240}>
        {(page) => (
          <PagedListing
            label="Schedules"
            page={page}
            cursor={cursor}
            go={(to) => void navigate({ search: { cursor: to } })}
            columns={COLUMNS}
            keyOf={(each) => each.id}
            empty={{
              title: "No schedules yet",
              text: "“New schedule” submits a job at the times of a cron line, or every so often.",
            }}
          />
        )}
      </Loaded>
    </>
  );
}
