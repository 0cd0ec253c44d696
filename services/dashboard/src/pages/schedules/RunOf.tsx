import { Group, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Schema } from "@/api/http";
import { Status } from "@/parts/Status";
import { When } from "@/parts/When";

/** What a time came to: its job, or why there is none. */
export function RunOf({ run, plain = false }: { run: Schema["ScheduleRun"]; plain?: boolean }) {
  return (
    <Group gap="xs" wrap="nowrap" component="span">
      <Status status={run.job_status ?? run.outcome} />
      {run.job_id && (
        <Link to="/jobs/$id" params={{ id: run.job_id }} className="mono">
          {run.job_id.slice(-8)}
        </Link>
      )}
      {run.reason && (
        <Text component="span" fz="xs" c="dimmed">
          {run.reason}
        </Text>
      )}
      {!plain && (
        <Text component="span" fz="xs" c="dimmed">
          <When at={run.at} />
        </Text>
      )}
    </Group>
  );
}
