import { Button, Grid, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { Loose, Schema } from "@/api/http";
import { pipelinesQuery } from "@/api/queries";
import { JobFields } from "@/pages/newjob/JobFields";
import type { Writing } from "@/pages/newjob/order";
import { NextTimes } from "@/pages/schedules/NextTimes";
import { TimingFields } from "@/pages/schedules/TimingFields";
import {
  jobOf,
  orderOfSchedule,
  type Timing,
  timesOf,
  timingOf,
  writingOf,
} from "@/pages/schedules/timing";
import { useOrder } from "@/parts/order";
import { ErrorNote } from "@/parts/Page";
import { Panel } from "@/parts/Panel";

const FIELDS = ["name", "cron", "time_zone", "every", "catch_up_s", "jitter_s", "pause_on_failure"];

/** What runs and when; the next times stand beside it while it is written. */
export function ScheduleForm({
  schedule,
  button,
  save,
}: {
  schedule: Schema["Schedule"] | null;
  button: string;
  save: (name: string, order: Loose<Schema["ChangeSchedule"]>) => Promise<unknown>;
}) {
  const order = useOrder(FIELDS);
  const pipelines = useQuery(pipelinesQuery);
  const [timing, setTiming] = useState(() => timingOf(schedule));
  const [writing, setWriting] = useState<Writing>(() => writingOf(schedule?.job ?? null));
  const change = (part: Partial<Timing>) => setTiming((before) => ({ ...before, ...part }));
  const changeJob = (part: Partial<Writing>) => setWriting((before) => ({ ...before, ...part }));
  const job = jobOf(writing, schedule?.job ?? null, pipelines.data ?? []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (job instanceof Error) return;
    void order.give(() => save(timing.name, orderOfSchedule(timing, job)));
  };
  return (
    <form onSubmit={submit}>
      <Grid gap="sm">
        <Grid.Col span={{ base: 12, md: 8 }}>
          <Stack gap="sm">
            <TimingFields timing={timing} change={change} order={order} isNew={!schedule} />
            <JobFields writing={writing} change={changeJob} timed={false} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <Stack gap="sm">
            <NextTimes times={timesOf(timing)} />
            {order.refusal && <ErrorNote error={order.refusal} title="It was not accepted" />}
            <Panel>
              <Stack gap="xs">
                <Button
                  type="submit"
                  loading={order.busy}
                  disabled={job instanceof Error || !timing.name}
                >
                  {button}
                </Button>
                {(job instanceof Error || !timing.name) && (
                  <Text fz="xs" c="dimmed">
                    {job instanceof Error ? job.message : "Give it a name."}
                  </Text>
                )}
              </Stack>
            </Panel>
          </Stack>
        </Grid.Col>
      </Grid>
    </form>
  );
}
