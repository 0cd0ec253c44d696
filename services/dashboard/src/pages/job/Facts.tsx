import { Group, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { write } from "@/api/json";
import { lasted } from "@/live/figures";
import type { Job } from "@/live/jobs";
import { Labels } from "@/parts/Labels";
import { Panel } from "@/parts/Panel";
import { Lasting, When } from "@/parts/When";

/** What was asked for, and when what happened. */
export function Facts({ job, input }: { job: Job; input: unknown }) {
  return (
    <Panel title="About">
      <Stack gap={6}>
        {job.dataset_id && (
          <Fact name="Dataset">
            <Link to="/datasets/$id" params={{ id: job.dataset_id }} className="mono">
              {job.dataset_id.slice(-8)}
            </Link>
          </Fact>
        )}
        {input !== undefined && input !== null && (
          <Fact name="Value">
            <Text fz="xs" className="mono truncate" maw={180} title={write(input)}>
              {write(input)}
            </Text>
          </Fact>
        )}
        <Fact name="Queue">
          <Link to="/jobs" search={{ q: `queue:${job.queue}` }}>
            {job.queue}
          </Link>
        </Fact>
        <Fact name="Priority">{job.priority}</Fact>
        {job.concurrency_key && <Fact name="One at a time">{job.concurrency_key}</Fact>}
        <Fact name="Submitted">
          <When at={job.created_at} />
        </Fact>
        <Fact name="Started">
          <When at={job.started_at} />
        </Fact>
        <Fact name="Ended">
          <When at={job.finished_at} />
        </Fact>
        <Fact name="Ran">
          <Lasting from={job.started_at} to={job.finished_at} />
        </Fact>
        {job.next_attempt_at && (
          <Fact name="Next attempt">
            <When at={job.next_attempt_at} />
          </Fact>
        )}
        {job.cancel && (
          <Fact name="Cancel">
            {(job.cancel.outcome ?? "asked for").replaceAll("_", " ")}
            {job.cancel.latency_ms !== null && ` after ${lasted(job.cancel.latency_ms)}`}
          </Fact>
        )}
        {Object.keys(job.labels ?? {}).length > 0 && <Labels labels={job.labels ?? {}} />}
      </Stack>
    </Panel>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Group justify="space-between" wrap="nowrap" gap="xs">
      <Text fz="sm" c="dimmed">
        {name}
      </Text>
      <Text fz="sm" component="div" className="truncate num">
        {children}
      </Text>
    </Group>
  );
}
