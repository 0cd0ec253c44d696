/** A job that ran elsewhere: how it went, and what it was at any moment. */
import { Grid, Group, Stack, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { archiveEventsQuery, archiveQuery } from "@/api/archives";
import { remove, type Schema } from "@/api/http";
import { asOf, type Job, type JobEvent } from "@/live/jobs";
import { Failure } from "@/pages/job/Failure";
import { Gantt } from "@/pages/job/Gantt";
import { JobEvents } from "@/pages/job/JobEvents";
import { Steps } from "@/pages/job/Steps";
import { TimeTravel } from "@/pages/job/TimeTravel";
import { ConfirmButton } from "@/parts/Confirm";
import { Id } from "@/parts/Copy";
import { nameOf } from "@/parts/naming";
import { Loaded, PageHead } from "@/parts/Page";
import { Panel } from "@/parts/Panel";
import { Status } from "@/parts/Status";
import { When } from "@/parts/When";

type Archive = Schema["Archive"];

export function ArchivePage() {
  const { id } = useParams({ from: "/inside/archives/$id" });
  const archive = useQuery(archiveQuery(id));
  const events = useQuery(archiveEventsQuery(id));
  return (
    <Loaded of={archive} height={420}>
      {(shown) =>
        shown.job ? <Shown archive={shown} now={shown.job} events={events.data ?? []} /> : null
      }
    </Loaded>
  );
}

function Shown({ archive, now, events }: { archive: Archive; now: Job; events: JobEvent[] }) {
  const { at } = useSearch({ from: "/inside/archives/$id" });
  const navigate = useNavigate({ from: "/archives/$id" });
  const client = useQueryClient();
  const { job, seen, past } = asOf(now, events, at);
  const forget = async () => {
    await remove("/v1/archives/{archive_id}", { path: { archive_id: archive.id } });
    await navigate({ to: "/archives", search: {} });
    await client.invalidateQueries({ queryKey: ["archives"] });
  };
  return (
    <>
      <PageHead
        title={nameOf(job)}
        under={
          <Group gap="sm" mt={2}>
            <Status status={job.status} why={job.blocked_reason} />
            <Id id={archive.id} />
            <span>ran elsewhere</span>
          </Group>
        }
      >
        <ConfirmButton
          label="Forget"
          confirm="Forget the archive"
          question="The file is deleted here; the system where the job ran keeps its own."
          act={forget}
        />
      </PageHead>
      <Stack gap="sm">
        <TimeTravel
          events={events}
          at={past ? at : undefined}
          travel={(to) => void navigate({ search: { at: to }, replace: true })}
        />
        <Failure job={job} events={seen} />
        <Grid gap="sm">
          <Grid.Col span={{ base: 12, md: 8 }}>
            <Stack gap="sm">
              <Gantt events={seen} />
              <JobEvents events={seen} />
            </Stack>
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 4 }}>
            <Stack gap="sm">
              <Steps job={job} />
              <Panel title="The file">
                <Text fz="sm" component="div">
                  made <When at={archive.made_at} /> by {archive.made_by}, imported{" "}
                  <When at={archive.imported_at} />
                </Text>
                {archive.left_out.length > 0 && (
                  <Text fz="sm">left out: {archive.left_out.join(", ")}</Text>
                )}
              </Panel>
            </Stack>
          </Grid.Col>
        </Grid>
      </Stack>
    </>
  );
}
