/** A schedule: what its times came to, and what it says. */
import { Alert, Button, Group, Tabs, Textarea } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { runsQuery, scheduleQuery } from "@/api/automation";
import { patch, post, remove, type Schema } from "@/api/http";
import { dated } from "@/live/figures";
import { RunOf } from "@/pages/schedules/RunOf";
import { ScheduleForm } from "@/pages/schedules/ScheduleForm";
import { rhythm, whatOf } from "@/pages/schedules/words";
import { ConfirmButton } from "@/parts/Confirm";
import type { ListColumn } from "@/parts/Listing";
import { failed, said } from "@/parts/notes";
import { Loaded, PageHead } from "@/parts/Page";
import { PagedListing } from "@/parts/PagedListing";
import { Status } from "@/parts/Status";
import { When } from "@/parts/When";

type Run = Schema["ScheduleRun"];

export function SchedulePage() {
  const { id } = useParams({ from: "/inside/schedules/$id" });
  const schedule = useQuery(scheduleQuery(id));
  return <Loaded of={schedule}>{(found) => <Shown schedule={found} />}</Loaded>;
}

function Shown({ schedule }: { schedule: Schema["Schedule"] }) {
  const { tab = "runs" } = useSearch({ from: "/inside/schedules/$id" });
  const navigate = useNavigate({ from: "/schedules/$id" });
  const client = useQueryClient();
  const path = { schedule_id: schedule.id };
  const keep = async (order: object) => {
    await patch("/v1/schedules/{schedule_id}", { path, body: order as never });
    await client.invalidateQueries({ queryKey: ["schedule", schedule.id] });
    said("The schedule is stored.");
  };
  return (
    <>
      <PageHead
        title={schedule.name}
        under={
          <Group gap="sm" mt={2}>
            <Status status={schedule.paused ? "paused" : "active"} />
            <span className="mono">{rhythm(schedule)}</span>
            <span>{whatOf(schedule)}</span>
            {!schedule.paused && schedule.next_run_at && (
              <span>
                next <When at={schedule.next_run_at} />
              </span>
            )}
          </Group>
        }
      >
        <Orders schedule={schedule} />
      </PageHead>
      {schedule.paused && schedule.note && (
        <Alert variant="default" py="xs" mb="sm" title="Paused">
          {schedule.note}
        </Alert>
      )}
      <Tabs
        value={tab}
        keepMounted={false}
        onChange={(value) => void navigate({ search: { tab: value ?? undefined }, replace: true })}
      >
        <Tabs.List>
          <Tabs.Tab value="runs">Runs</Tabs.Tab>
          <Tabs.Tab value="edit">Edit</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="runs" pt="sm">
          <Runs id={schedule.id} />
        </Tabs.Panel>
        <Tabs.Panel value="edit" pt="sm">
          <ScheduleForm schedule={schedule} button="Store" save={(_, order) => keep(order)} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function Orders({ schedule }: { schedule: Schema["Schedule"] }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const [note, setNote] = useState("");
  const path = { schedule_id: schedule.id };
  const again = () => client.invalidateQueries({ queryKey: ["schedule", schedule.id] });
  const run = async () => {
    try {
      const job = await post("/v1/schedules/{schedule_id}/run", { path });
      await navigate({ to: "/jobs/$id", params: { id: job.id } });
    } catch (error) {
      failed(error, "It was not run");
    }
  };
  const resume = async () => {
    try {
      await post("/v1/schedules/{schedule_id}/resume", { path });
      await again();
    } catch (error) {
      failed(error, "It stays paused");
    }
  };
  const pause = async () => {
    await post("/v1/schedules/{schedule_id}/pause", { path, body: { note: note || null } });
    await again();
  };
  const forget = async () => {
    await remove("/v1/schedules/{schedule_id}", { path });
    await navigate({ to: "/schedules", search: {} });
    await client.invalidateQueries({ queryKey: ["schedules"] });
  };
  return (
    <>
      <Button onClick={() => void run()}>Run now</Button>
      {schedule.paused ? (
        <Button variant="default" onClick={() => void resume()}>
          Resume
        </Button>
      ) : (
        <ConfirmButton
          label="Pause"
          confirm="Pause the schedule"
          question="Its times pass without a job until it is resumed."
          act={pause}
        >
          <Textarea
            mt="sm"
            label="Why"
            value={note}
            onChange={(event) => setNote(event.currentTarget.value)}
          />
        </ConfirmButton>
      )}
      <ConfirmButton
        label="Delete"
        confirm="Delete the schedule"
        question="Its times end; jobs that it made stay."
        act={forget}
      />
    </>
  );
}

const COLUMNS: ListColumn<Run>[] = [
  { head: "For", cell: (run) => dated(run.nominal_time) },
  { head: "Outcome", cell: (run) => run.outcome },
  { head: "Job", cell: (run) => <RunOf run={run} plain /> },
  { head: "At", cell: (run) => <When at={run.at} /> },
];

function Runs({ id }: { id: string }) {
  const { cursor } = useSearch({ from: "/inside/schedules/$id" });
  const navigate = useNavigate({ from: "/schedules/$id" });
  const runs = useQuery(runsQuery(id, cursor ?? null));
  return (
    <Loaded of={runs}>
      {(page) => (
        <PagedListing
          label="Runs"
          page={page}
          cursor={cursor}
          go={(to) => void navigate({ search: { cursor: to } })}
          columns={COLUMNS}
          keyOf={(run) => `${run.nominal_time} ${run.at}`}
          empty={{ title: "It has not run yet", text: "“Run now” does not wait for its time." }}
        />
      )}
    </Loaded>
  );
}
