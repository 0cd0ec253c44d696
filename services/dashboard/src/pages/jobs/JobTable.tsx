import { Checkbox, Table, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { memo, useCallback } from "react";
import { hasEnded, type Job } from "@/live/jobs";
import { JobProgress } from "@/parts/JobProgress";
import { Labels } from "@/parts/Labels";
import { nameOf } from "@/parts/naming";
import { Empty } from "@/parts/Page";
import { Scroller } from "@/parts/Scroller";
import { Status } from "@/parts/Status";
import { Lasting, When } from "@/parts/When";

export function JobTable({
  jobs,
  chosen,
  choose,
  filtered,
}: {
  jobs: Job[];
  chosen: ReadonlySet<string>;
  choose: (next: (before: ReadonlySet<string>) => ReadonlySet<string>) => void;
  filtered: boolean;
}) {
  const toggle = useCallback(
    (id: string) =>
      choose((before) => {
        const next = new Set(before);
        if (!next.delete(id)) next.add(id);
        return next;
      }),
    [choose],
  );
  if (jobs.length === 0) {
    return (
      <Empty title={filtered ? "No job fits this filter" : "No jobs yet"}>
        {filtered ? (
          "New ones that do appear by themselves."
        ) : (
          <Link to="/jobs/new">Submit the first one</Link>
        )}
      </Empty>
    );
  }
  const all = jobs.every((job) => chosen.has(job.id));
  return (
    <Scroller label="Jobs">
      <Table className="dense-table">
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={36}>
              <Checkbox
                size="xs"
                aria-label="Choose all on this page"
                checked={all}
                indeterminate={!all && chosen.size > 0}
                onChange={() => choose(() => new Set(all ? [] : jobs.map((job) => job.id)))}
              />
            </Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th>Job</Table.Th>
            <Table.Th w={150}>Progress</Table.Th>
            <Table.Th visibleFrom="md">Labels</Table.Th>
            <Table.Th visibleFrom="sm">Queue</Table.Th>
            <Table.Th>Took</Table.Th>
            <Table.Th>Submitted</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {jobs.map((job) => (
            <JobRow key={job.id} job={job} chosen={chosen.has(job.id)} toggle={toggle} />
          ))}
        </Table.Tbody>
      </Table>
    </Scroller>
  );
}

const JobRow = memo(function JobRow({
  job,
  chosen,
  toggle,
}: {
  job: Job;
  chosen: boolean;
  toggle: (id: string) => void;
}) {
  return (
    <Table.Tr data-chosen={chosen} data-job={job.id}>
      <Table.Td>
        <Checkbox
          size="xs"
          aria-label={`Choose ${nameOf(job)} ${job.id.slice(-8)}`}
          checked={chosen}
          onChange={() => toggle(job.id)}
        />
      </Table.Td>
      <Table.Td>
        <Status status={job.status} why={job.blocked_reason} />
      </Table.Td>
      <Table.Td maw={260} className="truncate">
        <Link to="/jobs/$id" params={{ id: job.id }} style={{ color: "inherit", fontWeight: 550 }}>
          {nameOf(job)}
        </Link>{" "}
        <Text component="span" c="dimmed" fz="xs" className="mono">
          {job.id.slice(-8)}
        </Text>
      </Table.Td>
      <Table.Td>{hasEnded(job) ? null : <JobProgress job={job} />}</Table.Td>
      <Table.Td visibleFrom="md">
        <Labels labels={job.labels ?? {}} />
      </Table.Td>
      <Table.Td visibleFrom="sm">{job.queue}</Table.Td>
      <Table.Td>
        <Lasting from={job.started_at} to={job.finished_at} />
      </Table.Td>
      <Table.Td>
        <When at={job.created_at} />
      </Table.Td>
    </Table.Tr>
  );
});
