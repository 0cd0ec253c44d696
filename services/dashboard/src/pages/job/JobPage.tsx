/** One job: how it goes, what it said, what it gave, and what it was at any moment. */
import { Grid, Group, Skeleton, Stack, Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { jobEventsQuery, jobQuery } from "@/api/queries";
import { asOf, hasEnded, type Job, type JobEvent } from "@/live/jobs";
import { Attempts } from "@/pages/job/Attempts";
import { Facts } from "@/pages/job/Facts";
import { Failure } from "@/pages/job/Failure";
import { Gantt } from "@/pages/job/Gantt";
import { JobActions } from "@/pages/job/JobActions";
import { JobEvents } from "@/pages/job/JobEvents";
import { Logs } from "@/pages/job/Logs";
import { ResultView } from "@/pages/job/ResultView";
import { Steps } from "@/pages/job/Steps";
import { TimeTravel } from "@/pages/job/TimeTravel";
import { Id } from "@/parts/Copy";
import { JobProgress } from "@/parts/JobProgress";
import { nameOf } from "@/parts/naming";
import { Loaded, PageHead } from "@/parts/Page";
import { Panel } from "@/parts/Panel";
import { Status } from "@/parts/Status";

const Graph = lazy(async () => ({
  default: (await import("@/pages/pipelines/StepGraph")).StepGraph,
}));

export function JobPage() {
  const { id } = useParams({ from: "/inside/jobs/$id" });
  const { at } = useSearch({ from: "/inside/jobs/$id" });
  const job = useQuery(jobQuery(id));
  const events = useQuery(jobEventsQuery(id));
  return (
    <Loaded of={job} height={420}>
      {(now) => <Shown now={now} events={events.data ?? []} at={at} />}
    </Loaded>
  );
}

function Shown({ now, events, at }: { now: Job; events: JobEvent[]; at: number | undefined }) {
  const { tab = "result" } = useSearch({ from: "/inside/jobs/$id" });
  const navigate = useNavigate({ from: "/jobs/$id" });
  const { job, seen, past } = asOf(now, events, at);
  const travel = (to: number | undefined) =>
    void navigate({ search: (before) => ({ ...before, at: to }), replace: true });
  const input = events[0]?.type === "job.submitted" ? events[0].value : undefined;
  return (
    <>
      <PageHead
        title={nameOf(job)}
        under={
          <Group gap="sm" mt={2}>
            <Status status={job.status} why={job.blocked_reason} />
            <Id id={job.id} />
            {job.retry_of && (
              <Link to="/jobs/$id" params={{ id: job.retry_of }}>
                retry of {job.retry_of.slice(-8)}
              </Link>
            )}
          </Group>
        }
      >
        <JobActions job={now} input={input} />
      </PageHead>
      <Stack gap="sm">
        <TimeTravel events={events} at={past ? at : undefined} travel={travel} />
        {!hasEnded(job) && !past && (
          <Panel>
            <JobProgress job={job} words />
          </Panel>
        )}
        <Failure job={job} events={seen} />
        <Grid gap="sm">
          <Grid.Col span={{ base: 12, md: 8 }}>
            <Stack gap="sm">
              <Gantt events={seen} />
              <Tabs
                value={tab}
                onChange={(value) =>
                  void navigate({
                    search: (before) => ({ ...before, tab: value ?? undefined }),
                    replace: true,
                  })
                }
                keepMounted={false}
              >
                <Tabs.List>
                  <Tabs.Tab value="result">Result</Tabs.Tab>
                  <Tabs.Tab value="logs">Logs</Tabs.Tab>
                  <Tabs.Tab value="attempts">Attempts</Tabs.Tab>
                  <Tabs.Tab value="events">Events</Tabs.Tab>
                  {job.steps.length > 1 && <Tabs.Tab value="graph">Graph</Tabs.Tab>}
                </Tabs.List>
                <Tabs.Panel value="result" pt="sm">
                  <ResultView job={job} past={past} />
                </Tabs.Panel>
                <Tabs.Panel value="logs" pt="sm">
                  <Logs jobId={job.id} />
                </Tabs.Panel>
                <Tabs.Panel value="attempts" pt="sm">
                  <Attempts jobId={job.id} />
                </Tabs.Panel>
                <Tabs.Panel value="events" pt="sm">
                  <JobEvents events={seen} />
                </Tabs.Panel>
                <Tabs.Panel value="graph" pt="sm">
                  <Suspense fallback={<Skeleton h={320} />}>
                    <Graph steps={job.steps} />
                  </Suspense>
                </Tabs.Panel>
              </Tabs>
            </Stack>
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 4 }}>
            <Stack gap="sm">
              <Steps job={job} />
              <Facts job={job} input={input} />
            </Stack>
          </Grid.Col>
        </Grid>
      </Stack>
    </>
  );
}
