/** A pipeline: its graph, and the form of the step that is chosen. */
import { Button, Grid, Select, Stack, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { post, remove } from "@/api/http";
import { pipelinesQuery, processorsQuery } from "@/api/queries";
import { StepForm } from "@/pages/pipelines/StepForm";
import { StepGraph } from "@/pages/pipelines/StepGraph";
import { added, type EditedStep, edited, specsOf, without } from "@/pages/pipelines/steps";
import { ConfirmButton } from "@/parts/Confirm";
import { failed, said } from "@/parts/notes";
import { PageHead } from "@/parts/Page";
import { Panel } from "@/parts/Panel";

const NEW = "new";

export function PipelinePage() {
  const { name } = useParams({ from: "/inside/pipelines/$name" });
  return <Editor key={name} name={name} />;
}

function Editor({ name }: { name: string }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const pipelines = useQuery(pipelinesQuery);
  const processors = useQuery(processorsQuery);
  const stored = pipelines.data?.find((each) => each.name === name);
  const [title, setTitle] = useState("");
  const [summary, setSummary] = useState("");
  const [steps, setSteps] = useState<EditedStep[]>([]);
  const [chosen, setChosen] = useState<string | null>(null);
  useEffect(() => {
    if (!stored) return;
    setTitle(stored.name);
    setSummary(stored.summary ?? "");
    setSteps(edited(stored.steps));
  }, [stored]);
  const step = steps.find((each) => each.name === chosen);
  const save = async () => {
    try {
      await post("/v1/pipelines", { body: { name: title, summary, steps: specsOf(steps) } });
      await client.invalidateQueries({ queryKey: pipelinesQuery.queryKey });
      said("The pipeline is stored.");
      await navigate({ to: "/pipelines/$name", params: { name: title } });
    } catch (error) {
      failed(error, "The pipeline was not stored");
    }
  };
  const forget = async () => {
    await remove("/v1/pipelines/{name}", { path: { name } });
    await client.invalidateQueries({ queryKey: pipelinesQuery.queryKey });
    await navigate({ to: "/pipelines" });
  };
  const offered = (processors.data ?? []).filter((each) => !each.system && !each.hidden);
  return (
    <>
      <PageHead title={name === NEW ? "New pipeline" : name}>
        {stored && (
          <Link to="/jobs/new" search={{ pipeline: name }}>
            <Button component="span" variant="default">
              Run
            </Button>
          </Link>
        )}
        {stored && (
          <ConfirmButton
            label="Delete"
            confirm="Delete the pipeline"
            question="Jobs made by it stay."
            act={forget}
          />
        )}
        <Button disabled={!title || steps.length === 0} onClick={() => void save()}>
          Save
        </Button>
      </PageHead>
      <Grid gap="sm">
        <Grid.Col span={{ base: 12, md: 8 }}>
          <StepGraph steps={steps} choose={setChosen} height={400} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <Stack gap="sm">
            <Panel title="Pipeline">
              <Stack gap="sm">
                <TextInput
                  label="Name"
                  value={title}
                  onChange={(event) => setTitle(event.currentTarget.value)}
                />
                <TextInput
                  label="Summary"
                  value={summary}
                  onChange={(event) => setSummary(event.currentTarget.value)}
                />
                <Select
                  label="Add a step"
                  searchable
                  value={null}
                  data={offered.map((each) => each.name)}
                  onChange={(processor) => {
                    if (!processor) return;
                    const next = added(steps, processor);
                    setSteps(next);
                    setChosen(next.at(-1)?.name ?? null);
                  }}
                />
                <Select
                  label="Step"
                  data={steps.map((each) => each.name)}
                  value={chosen}
                  onChange={setChosen}
                />
              </Stack>
            </Panel>
            {step && (
              <Panel title={step.name}>
                <Stack gap="sm">
                  <StepForm steps={steps} name={step.name} change={setSteps} />
                  <Button variant="default" onClick={() => setSteps(without(steps, step.name))}>
                    Remove the step
                  </Button>
                </Stack>
              </Panel>
            )}
          </Stack>
        </Grid.Col>
      </Grid>
    </>
  );
}
