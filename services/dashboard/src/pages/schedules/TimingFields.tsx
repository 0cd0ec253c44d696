import {
  Group,
  NumberInput,
  SegmentedControl,
  Select,
  SimpleGrid,
  Stack,
  TextInput,
} from "@mantine/core";
import type { Timing } from "@/pages/schedules/timing";
import type { Order } from "@/parts/order";
import { Panel } from "@/parts/Panel";

const ZONES = ["UTC", ...Intl.supportedValuesOf("timeZone").filter((zone) => zone !== "UTC")];
const OVERLAPS = [
  { value: "skip", label: "Skip the new one" },
  { value: "allow", label: "Let both run" },
  { value: "cancel_running", label: "Cancel the old one" },
];

/** When it runs, and what where a time cannot be kept. */
export function TimingFields({
  timing,
  change,
  order,
  isNew,
}: {
  timing: Timing;
  change: (part: Partial<Timing>) => void;
  order: Order;
  isNew: boolean;
}) {
  return (
    <>
      <Panel title="When">
        <Stack gap="sm">
          <TextInput
            label="Name"
            required
            disabled={!isNew}
            value={timing.name}
            error={order.at("name")}
            onChange={(event) => change({ name: event.currentTarget.value })}
          />
          <SegmentedControl
            aria-label="When"
            value={timing.by}
            onChange={(by) => change({ by: by as Timing["by"] })}
            data={[
              { value: "cron", label: "At times (cron)" },
              { value: "every", label: "Every so often" },
            ]}
          />
          {timing.by === "cron" ? (
            <Group grow align="flex-start">
              <TextInput
                label="Cron"
                description="minute hour day month weekday"
                value={timing.cron}
                error={order.at("cron")}
                onChange={(event) => change({ cron: event.currentTarget.value })}
              />
              <Select
                label="Time zone"
                description="whose clock it follows"
                searchable
                allowDeselect={false}
                limit={60}
                data={ZONES}
                value={timing.timeZone}
                error={order.at("time_zone")}
                onChange={(zone) => zone && change({ timeZone: zone })}
              />
            </Group>
          ) : (
            <NumberInput
              label="Every"
              suffix=" s"
              min={1}
              max={31_536_000}
              value={timing.every}
              error={order.at("every")}
              onChange={(value) => change({ every: Number(value) || 1 })}
            />
          )}
        </Stack>
      </Panel>
      <Panel title="Where a time cannot be kept">
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
          <Select
            label="While the last one runs"
            allowDeselect={false}
            data={OVERLAPS}
            value={timing.overlap}
            onChange={(value) => change({ overlap: value as Timing["overlap"] })}
          />
          <NumberInput
            label="Caught up within"
            suffix=" s"
            min={0}
            max={604_800}
            value={timing.catchUpS}
            error={order.at("catch_up_s")}
            onChange={(value) => change({ catchUpS: Number(value) || 0 })}
          />
          <NumberInput
            label="Spread over"
            suffix=" s"
            min={0}
            max={3600}
            value={timing.jitterS}
            error={order.at("jitter_s")}
            onChange={(value) => change({ jitterS: Number(value) || 0 })}
          />
          <NumberInput
            label="Pause after failures in a row"
            placeholder="never"
            min={1}
            max={1000}
            value={timing.pauseOnFailure ?? ""}
            error={order.at("pause_on_failure")}
            onChange={(value) => change({ pauseOnFailure: Number(value) || null })}
          />
        </SimpleGrid>
      </Panel>
    </>
  );
}
