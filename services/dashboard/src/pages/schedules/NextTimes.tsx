import { Stack, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { type Times, timesQuery } from "@/api/automation";
import { Problem } from "@/api/problem";
import { ago } from "@/live/figures";
import { messageAt } from "@/parts/order";
import { ErrorNote } from "@/parts/Page";
import { Panel } from "@/parts/Panel";
import { useNow } from "@/parts/When";

const PATIENCE_MS = 300;

/** The next times that what is written would have, by its own clock. */
export function NextTimes({ times }: { times: Times }) {
  const [asked] = useDebouncedValue(times, PATIENCE_MS);
  const found = useQuery({ ...timesQuery(asked), retry: false });
  const now = useNow();
  const zone = times.time_zone ?? "UTC";
  const shown = (at: string) =>
    new Date(at).toLocaleString("en-GB", {
      timeZone: zone,
      weekday: "short",
      dateStyle: undefined,
      day: "numeric",
      month: "short",
      year: "numeric",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
  return (
    <Panel title="Next times">
      {found.error ? (
        <ErrorNote error={reason(found.error)} />
      ) : (
        <Stack gap={6} data-testid="next-times">
          {(found.data ?? []).map((at) => (
            <div key={at}>
              <Text fz="sm" className="num">
                {shown(at)}
              </Text>
              <Text fz="xs" c="dimmed" className="num">
                {ago(at, now)}
              </Text>
            </div>
          ))}
          <Text fz="xs" c="dimmed">
            By the clock of {zone}
          </Text>
        </Stack>
      )}
    </Panel>
  );
}

function reason(error: Error): Error {
  if (!(error instanceof Problem)) return error;
  return new Error(messageAt(error, "cron") ?? messageAt(error, "every") ?? error.message);
}
