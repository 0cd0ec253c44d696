/** The steps in order, each with what it gave so far. */
import { Group, Stack, Text } from "@mantine/core";
import { write } from "@/api/json";
import { counted, sized } from "@/live/figures";
import type { Job, Step } from "@/live/jobs";
import { Panel } from "@/parts/Panel";
import { Status } from "@/parts/Status";

export function Steps({ job }: { job: Job }) {
  return (
    <Panel title="Steps">
      <Stack gap={10}>
        {job.steps.map((step) => (
          <div key={step.name} data-step={step.name}>
            <Group justify="space-between" wrap="nowrap" gap="xs">
              <Text fz="sm" fw={550} className="truncate" title={step.processor}>
                {step.name}
              </Text>
              <Status status={step.status ?? "pending"} />
            </Group>
            <Text fz="xs" c="dimmed" className="mono truncate" title={write(step.params)}>
              {Object.entries(step.params ?? {})
                .map(([key, value]) => `${key}=${write(value)}`)
                .join(" ")}
            </Text>
            <Partial step={step} />
          </div>
        ))}
      </Stack>
    </Panel>
  );
}

function Partial({ step }: { step: Step }) {
  const { result } = step;
  if (!result) return null;
  if ("value" in result && result.value !== undefined) {
    return (
      <Text
        fz="xs"
        className="mono truncate"
        title={write(result.value)}
        data-testid={`value-${step.name}`}
      >
        → {write(result.value)}
      </Text>
    );
  }
  return (
    <Text fz="xs" c="dimmed">
      →{" "}
      {result.rows === undefined
        ? sized(result.size_bytes)
        : `${counted(result.rows)} rows × ${result.columns} columns`}
    </Text>
  );
}
