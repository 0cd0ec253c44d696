import { NumberInput, SimpleGrid, TagsInput, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { queuesQuery } from "@/api/queries";
import type { Writing } from "@/pages/newjob/order";
import { Panel } from "@/parts/Panel";

/** How it runs, where the defaults do not fit. */
export function MoreFields({
  writing,
  change,
  timed,
}: {
  timed: boolean;
  writing: Writing;
  change: (part: Partial<Writing>) => void;
}) {
  const queues = useQuery(queuesQuery);
  return (
    <Panel title="Options">
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
        <TagsInput
          label="Labels"
          placeholder="team=data"
          value={writing.labels}
          onChange={(labels) => change({ labels })}
        />
        <NumberInput
          label="Priority"
          min={0}
          max={9}
          value={writing.priority}
          onChange={(value) => change({ priority: Number(value) || 0 })}
        />
        <TextInput
          label="Queue"
          placeholder={queues.data?.[0]?.name ?? "the processor's own"}
          value={writing.queue}
          onChange={(event) => change({ queue: event.currentTarget.value })}
        />
        {timed && (
          <TextInput
            label="Not before"
            type="datetime-local"
            value={writing.runAt}
            onChange={(event) => change({ runAt: event.currentTarget.value })}
          />
        )}
        <TextInput
          label="Concurrency key"
          description="Of the jobs with one key, one runs at a time"
          value={writing.concurrencyKey}
          onChange={(event) => change({ concurrencyKey: event.currentTarget.value })}
        />
      </SimpleGrid>
    </Panel>
  );
}
