import { JsonInput, SegmentedControl, Select, Stack, Text } from "@mantine/core";
import { useEffect } from "react";
import type { Schema } from "@/api/http";
import type { Dataset } from "@/live/lists";
import type { Writing } from "@/pages/newjob/order";
import { Panel } from "@/parts/Panel";

/** On what the job runs. */
export function InputFields({
  writing,
  change,
  takes,
  datasets,
}: {
  writing: Writing;
  change: (part: Partial<Writing>) => void;
  takes: Schema["Takes"] | null;
  datasets: Dataset[];
}) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: another processor, another input
  useEffect(() => {
    if (takes && takes !== writing.input) change({ input: takes });
  }, [takes]);
  const usable = datasets.filter((each) => each.status !== "rejected" && each.status !== "deleted");
  return (
    <Panel title="Input">
      <Stack gap="sm">
        <SegmentedControl
          aria-label="Input"
          value={writing.input}
          onChange={(input) => change({ input: input as Writing["input"] })}
          data={[
            { value: "dataset", label: "Dataset" },
            { value: "value", label: "Value" },
            { value: "nothing", label: "Nothing" },
          ]}
        />
        {writing.input === "dataset" && (
          <Select
            label="Dataset"
            searchable
            data={usable.map((each) => ({
              value: each.id,
              label:
                each.status === "ready"
                  ? each.name
                  : `${each.name} (${each.status}: the job waits for it)`,
            }))}
            value={writing.datasetId}
            onChange={(datasetId) => change({ datasetId })}
            nothingFoundMessage="Upload one on the page Datasets"
          />
        )}
        {writing.input === "value" && (
          <JsonInput
            label="Value"
            description="JSON; a long integer keeps all of its digits; empty: no input"
            autosize
            minRows={2}
            maxRows={14}
            value={writing.value}
            onChange={(value) => change({ value })}
          />
        )}
        {writing.input === "nothing" && (
          <Text fz="sm" c="dimmed">
            The job gets no input.
          </Text>
        )}
      </Stack>
    </Panel>
  );
}
