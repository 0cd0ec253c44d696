import { SegmentedControl, Select, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { datasetsQuery, pipelinesQuery, processorsQuery } from "@/api/queries";
import { ParamsForm } from "@/forms/ParamsForm";
import { InputFields } from "@/pages/newjob/InputFields";
import { MoreFields } from "@/pages/newjob/MoreFields";
import type { Writing } from "@/pages/newjob/order";
import { StepForm } from "@/pages/pipelines/StepForm";
import { Panel } from "@/parts/Panel";

/** What to run, on what, and how. */
export function JobFields({
  writing,
  change,
  timed = true,
}: {
  writing: Writing;
  change: (part: Partial<Writing>) => void;
  /** Whether it may be given a time of its own. */
  timed?: boolean;
}) {
  const processors = useQuery(processorsQuery);
  const pipelines = useQuery(pipelinesQuery);
  const datasets = useQuery(datasetsQuery(null));
  const [step, setStep] = useState<string | null>(writing.steps?.[0]?.name ?? null);
  const processor = processors.data?.find((each) => each.name === writing.processor);
  const dataset = datasets.data?.items.find((each) => each.id === writing.datasetId);
  const shownOnes = useMemo(
    () =>
      (processors.data ?? []).filter(
        (each) => !each.system && (!each.hidden || each.name === writing.processor),
      ),
    [processors.data, writing.processor],
  );
  return (
    <>
      <Panel title="What to run">
        <Stack gap="sm">
          <SegmentedControl
            aria-label="What to run"
            value={writing.what}
            onChange={(what) => change({ what: what as Writing["what"] })}
            data={[
              { value: "processor", label: "Processor" },
              { value: "pipeline", label: "Pipeline" },
              ...(writing.steps ? [{ value: "steps", label: "Steps" }] : []),
            ]}
          />
          {writing.what === "processor" && (
            <Select
              label="Processor"
              searchable
              data={shownOnes.map((each) => each.name)}
              value={writing.processor}
              onChange={(name) => change({ processor: name, params: {} })}
              description={processor?.summary}
            />
          )}
          {writing.what === "pipeline" && (
            <Select
              label="Pipeline"
              searchable
              data={(pipelines.data ?? []).map((each) => each.name)}
              value={writing.pipeline}
              onChange={(pipeline) => change({ pipeline })}
              description={pipelines.data?.find((each) => each.name === writing.pipeline)?.summary}
            />
          )}
          {writing.what === "steps" && (
            <Select
              label="Step"
              description={writing.steps?.map((step) => step.name).join(" → ")}
              data={writing.steps?.map((step) => step.name) ?? []}
              value={step}
              onChange={setStep}
            />
          )}
        </Stack>
      </Panel>
      {writing.what === "processor" && processor && (
        <Panel title="Parameters">
          <ParamsForm
            key={processor.name}
            schema={processor.params_schema ?? {}}
            params={writing.params}
            change={(params) => change({ params })}
            columns={dataset?.columns?.map((column) => column.name) ?? []}
          />
        </Panel>
      )}
      {writing.what === "steps" && writing.steps && step && (
        <Panel title={step}>
          <StepForm
            steps={writing.steps}
            name={step}
            change={(steps) => change({ steps })}
            columns={dataset?.columns?.map((column) => column.name) ?? []}
          />
        </Panel>
      )}
      <InputFields
        writing={writing}
        change={change}
        takes={writing.what === "processor" ? (processor?.takes ?? null) : null}
        datasets={datasets.data?.items ?? []}
      />
      <MoreFields writing={writing} change={change} timed={timed} />
    </>
  );
}
