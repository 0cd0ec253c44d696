/** Attempts and steps along time. */
import { Group, Stack, Text, Tooltip } from "@mantine/core";
import { useMemo } from "react";
import { lasted } from "@/live/figures";
import type { JobEvent } from "@/live/jobs";
import { type Lane, timeline } from "@/live/timeline";
import { Panel } from "@/parts/Panel";
import { dotOf } from "@/parts/Status";
import { useNow } from "@/parts/When";

export function Gantt({ events }: { events: JobEvent[] }) {
  const line = useMemo(() => timeline(events), [events]);
  const now = useNow();
  if (!line) return null;
  const last = events.at(-1);
  const end = line.to ?? Math.max(now, last ? Date.parse(last.at) : now);
  const span = Math.max(1, end - line.from);
  const waited = (line.started ?? end) - line.from;
  return (
    <Panel
      title="Timeline"
      aside={
        <Text fz="xs" c="dimmed" className="num">
          waited {lasted(waited)}
          {line.started !== null && ` · ran ${lasted(end - line.started)}`}
        </Text>
      }
    >
      <Stack gap={8}>
        {line.lanes.length === 0 && (
          <Text fz="sm" c="dimmed">
            No attempt has begun.
          </Text>
        )}
        {line.lanes.map((lane) => (
          <LaneView
            key={`${lane.attempt}-${lane.from}-${lane.bars[0]?.step}`}
            lane={lane}
            from={line.from}
            span={span}
            now={end}
          />
        ))}
      </Stack>
    </Panel>
  );
}

function LaneView({
  lane,
  from,
  span,
  now,
}: {
  lane: Lane;
  from: number;
  span: number;
  now: number;
}) {
  const share = (at: number) => (100 * (at - from)) / span;
  return (
    <div>
      <Group justify="space-between" gap="xs" wrap="nowrap" mb={3}>
        <Text fz="xs" className="truncate">
          Attempt {lane.attempt}{" "}
          <Text component="span" c="dimmed" fz="xs">
            on {lane.worker} · {lane.bars.map((bar) => bar.step).join(" → ")}
          </Text>
        </Text>
        <Text fz="xs" c="dimmed" className="num" style={{ whiteSpace: "nowrap" }}>
          {lane.status} · {lasted((lane.to ?? now) - lane.from)}
        </Text>
      </Group>
      <div className="lane-track">
        {lane.bars.map((bar) => {
          const to = bar.to ?? now;
          const took = lasted(to - bar.from);
          return (
            <Tooltip key={`${bar.step}-${bar.from}`} label={`${bar.step}: ${took} (${bar.status})`}>
              <div
                className="lane-bar"
                style={{
                  ...dotOf(bar.status),
                  left: `${share(bar.from)}%`,
                  width: `${share(to) - share(bar.from)}%`,
                }}
              />
            </Tooltip>
          );
        })}
      </div>
      {lane.error && (
        <Text fz="xs" c="dimmed" className="truncate" mt={2}>
          {lane.error}
        </Text>
      )}
    </div>
  );
}
