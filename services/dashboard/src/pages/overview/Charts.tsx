/** Throughput and latency of the last five minutes. */
import { SimpleGrid } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { get } from "@/api/http";
import { LineChart } from "@/charts/LineChart";
import { tallied, tally } from "@/live/feed";
import { lasted, short } from "@/live/figures";
import { useStore } from "@/live/store";
import { SECONDS, seed, series } from "@/live/tally";
import { Panel } from "@/parts/Panel";
import { useNow } from "@/parts/When";

/** The jobs of the last minutes, so that the charts are not empty when somebody comes. */
async function before(): Promise<number> {
  const created_after = new Date(Date.now() - SECONDS * 1000).toISOString();
  const page = await get("/v1/jobs", { query: { created_after, limit: 1000 } });
  seed(tally, page.items);
  return page.items.length;
}

export function Charts() {
  useStore(tallied);
  const seeded = useQuery({ queryKey: ["seed"], queryFn: before });
  const now = useNow();
  const step = Math.floor(now / 1000);
  // biome-ignore lint/correctness/useExhaustiveDependencies: drawn anew once a second, not for each event
  const drawn = useMemo(() => series(tally, step * 1000), [step, seeded.data]);
  const throughput = useMemo(
    () => [
      { label: "succeeded", color: "--tm-succeeded", values: drawn.succeeded, fill: true },
      { label: "submitted", color: "--tm-running", values: drawn.submitted },
      { label: "failed", color: "--tm-failed", values: drawn.failed },
    ],
    [drawn],
  );
  const latency = useMemo(
    () => [
      { label: "median", color: "--tm-running", values: drawn.p50 },
      { label: "95 of 100", color: "--tm-retrying", values: drawn.p95 },
    ],
    [drawn],
  );
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="sm">
      <Panel title="Jobs per second">
        <LineChart
          label="Jobs per second, last five minutes"
          x={drawn.at}
          lines={throughput}
          unit={short}
        />
      </Panel>
      <Panel title="From submission to ending">
        <LineChart label="Latency, last five minutes" x={drawn.at} lines={latency} unit={lasted} />
      </Panel>
    </SimpleGrid>
  );
}
