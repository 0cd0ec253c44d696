/** A new job: what to run, on what, and how. */
import { Button, Grid, SegmentedControl, Select, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { post, type Schema } from "@/api/http";
import { datasetsQuery, pipelinesQuery, processorsQuery } from "@/api/queries";
import { ParamsForm } from "@/forms/ParamsForm";
import { takeDraft } from "@/pages/newjob/draft";
import { InputFields } from "@/pages/newjob/InputFields";
import { MoreFields } from "@/pages/newjob/MoreFields";
import { orderOf, startOf, type Writing } from "@/pages/newjob/order";
import { StepForm } from "@/pages/pipelines/StepForm";
import { JsonBlock } from "@/parts/JsonBlock";
import { ErrorNote, PageHead } from "@/parts/Page";
import { Panel } from "@/parts/Panel";

export function NewJob() {
  const search = useSearch({ from: "/inside/jobs/new" });
  const navigate = useNavigate();
  const processors = useQuery(processorsQuery);
  const pipelines = useQuery(pipelinesQuery);
  const datasets = useQuery(datasetsQuery(null));
  const [writing, setWriting] = useState<Writing>(() => startOf(search, takeDraft()));
  const [error, setError] = useState<unknown>(null);
  const [step, setStep] = useState<string | null>(writing.steps?.[0]?.name ?? null);
  const [busy, setBusy] = useState(false);
  const change = (part: Partial<Writing>) => setWriting((before) => ({ ...before, ...part }));
  const processor = processors.data?.find((each) => each.name === writing.processor);
  const dataset = datasets.data?.items.find((each) => each.id === writing.datasetId);
  const shownOnes = useMemo(
    () =>
      (processors.data ?? []).filter(
        (each) => !each.system && (!each.hidden || each.name === writing.processor),
      ),
    [processors.data, writing.processor],
  );
  const order = useMemo(() => orderOf(writing), [writing]);
  const submit = async () => {
    setBusy(true);
    setError(null);
    try {
      if (order instanceof Error) throw order;
      const job: Schema["Job"] = order.pipeline
        ? await post("/v1/pipelines/{name}/jobs", {
            path: { name: order.pipeline },
            body: order.body as never,
          })
        : await post("/v1/jobs", { body: order.body as never });
      await navigate({ to: "/jobs/$id", params: { id: job.id } });
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <>
      <PageHead title="New job">
        <Button loading={busy} onClick={() => void submit()}>
          Submit
        </Button>
      </PageHead>
      <Grid gap="sm">
        <Grid.Col span={{ base: 12, md: 8 }}>
          <Stack gap="sm">
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
                    description={
                      pipelines.data?.find((each) => each.name === writing.pipeline)?.summary
                    }
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
            <MoreFields writing={writing} change={change} />
            {error !== null && <ErrorNote error={error} title="The job was not accepted" />}
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <Panel title={order instanceof Error ? "Not yet" : `POST ${order.path}`} flush>
            {order instanceof Error ? (
              <Text fz="sm" c="dimmed" p="sm">
                {order.message}
              </Text>
            ) : (
              <JsonBlock value={order.body} label="Order" />
            )}
          </Panel>
        </Grid.Col>
      </Grid>
    </>
  );
}
