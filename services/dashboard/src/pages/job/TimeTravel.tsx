/** A slider over the job's events: what it was after each of them. */
import { Button, Group, Slider, Text } from "@mantine/core";
import { clock } from "@/live/figures";
import type { JobEvent } from "@/live/jobs";
import { Panel } from "@/parts/Panel";

export function TimeTravel({
  events,
  at,
  travel,
}: {
  events: JobEvent[];
  at: number | undefined;
  travel: (to: number | undefined) => void;
}) {
  if (events.length < 2) return null;
  const place = at ?? events.length;
  const event = events[place - 1];
  return (
    <Panel>
      <Group gap="md" wrap="nowrap">
        <Slider
          flex={1}
          size="sm"
          min={1}
          max={events.length}
          value={place}
          label={(value) => events[value - 1]?.type.slice(4).replaceAll("_", " ") ?? ""}
          thumbLabel="The job after this event"
          onChange={(value) => travel(value === events.length ? undefined : value)}
        />
        <Text fz="xs" c="dimmed" className="num" miw={170} ta="right" visibleFrom="xs">
          {at === undefined
            ? "now"
            : `event ${place} of ${events.length} · ${event ? clock(event.at) : ""}`}
        </Text>
        <Button
          size="compact-xs"
          variant="default"
          disabled={at === undefined}
          onClick={() => travel(undefined)}
        >
          Back to now
        </Button>
      </Group>
    </Panel>
  );
}
