/** A new job: what to run, on what, and how. */
import { Button, Grid, Stack, Text } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { post, type Schema } from "@/api/http";
import { takeDraft } from "@/pages/newjob/draft";
import { JobFields } from "@/pages/newjob/JobFields";
import { orderOf, startOf, type Writing } from "@/pages/newjob/order";
import { JsonBlock } from "@/parts/JsonBlock";
import { ErrorNote, PageHead } from "@/parts/Page";
import { Panel } from "@/parts/Panel";

export function NewJob() {
  const search = useSearch({ from: "/inside/jobs/new" });
  const navigate = useNavigate();
  const [writing, setWriting] = useState<Writing>(() => startOf(search, takeDraft()));
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const change = (part: Partial<Writing>) => setWriting((before) => ({ ...before, ...part }));
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
            <JobFields writing={writing} change={change} />
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
