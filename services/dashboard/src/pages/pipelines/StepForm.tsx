/** All that a step says: what it needs and takes, where it runs, what its failure means, its parameters. */
import { MultiSelect, Select, Stack, Switch, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { processorsQuery } from "@/api/queries";
import { ParamsForm } from "@/forms/ParamsForm";
import type { EditedStep } from "@/pages/pipelines/steps";

const FAILURES = [
  { value: "fail", label: "The job fails" },
  { value: "continue", label: "The others go on" },
];

export function StepForm({
  steps,
  name,
  change,
  columns = [],
}: {
  steps: readonly EditedStep[];
  name: string;
  change: (steps: EditedStep[]) => void;
  columns?: string[];
}) {
  const processors = useQuery(processorsQuery);
  const step = steps.find((each) => each.name === name);
  if (!step) return null;
  const processor = processors.data?.find((each) => each.name === step.processor);
  const others = steps.filter((each) => each.name !== name).map((each) => each.name);
  const set = (part: Partial<EditedStep>) =>
    change(steps.map((each) => (each.name === name ? { ...each, ...part } : each)));
  return (
    <Stack gap="sm">
      <Text fz="xs" c="dimmed">
        {processor?.summary}
      </Text>
      <MultiSelect
        label="Needs"
        data={others}
        value={step.needs}
        onChange={(needs) => set({ needs })}
      />
      <Select
        label="Input"
        description="The step whose output it takes"
        placeholder="the step that it needs, or the job's input"
        clearable
        data={others}
        value={step.input}
        onChange={(input) => set({ input })}
      />
      <Switch
        label="Each"
        description="Once for every element of a list"
        checked={step.each}
        onChange={(event) => set({ each: event.currentTarget.checked })}
      />
      <Select
        label="On error"
        allowDeselect={false}
        data={FAILURES}
        value={step.on_error}
        onChange={(value) => set({ on_error: value as EditedStep["on_error"] })}
      />
      <TextInput
        label="Queue"
        placeholder={processor?.queue ?? "the processor's own"}
        value={step.queue ?? ""}
        onChange={(event) => set({ queue: event.currentTarget.value || null })}
      />
      <ParamsForm
        key={name}
        schema={processor?.params_schema ?? {}}
        params={step.params}
        change={(params) => set({ params })}
        columns={columns}
      />
    </Stack>
  );
}
