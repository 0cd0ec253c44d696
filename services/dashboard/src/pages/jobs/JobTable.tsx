import { Table } from "@mantine/core";
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
              <input
                type="checkbox"
                className="choose"
                aria-label="Choose all on this page"
                checked={all}
                ref={(box) => {
                  if (box) box.indeterminate = !all && chosen.size > 0;
                }}
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
    <tr data-chosen={chosen} data-job={job.id}>
      <td>
        <input
          type="checkbox"
          className="choose"
          aria-label={`Choose ${nameOf(job)} ${job.id.slice(-8)}`}
          checked={chosen}
          onChange={() => toggle(job.id)}
        />
      </td>
      <td>
        <Status status={job.status} why={job.blocked_reason} />
      </td>
      <td className="truncate" style={{ maxWidth: 260 }}>
        <Link to="/jobs/$id" params={{ id: job.id }} className="name">
          {nameOf(job)}
        </Link>{" "}
        <span className="aside mono">{job.id.slice(-8)}</span>
      </td>
      <td>{hasEnded(job) ? null : <JobProgress job={job} />}</td>
      <td className="mantine-visible-from-md">
        <Labels labels={job.labels ?? {}} />
      </td>
      <td className="mantine-visible-from-sm">{job.queue}</td>
      <td>
        <Lasting from={job.started_at} to={job.finished_at} />
      </td>
      <td>
        <When at={job.created_at} />
      </td>
    </tr>
  );
});
