/** How much there is, and how much there may be. */
import { Group, Progress, SimpleGrid, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { usageQuery } from "@/api/account";
import type { Schema } from "@/api/http";
import { counted, sized } from "@/live/figures";
import { Loaded, PageHead } from "@/parts/Page";
import { Panel } from "@/parts/Panel";

type Amount = Schema["Amount"];
const TIGHT = 0.9;

export function Usage() {
  const usage = useQuery(usageQuery);
  return (
    <>
      <PageHead title="Usage" under="What the tenant has, and its limits" />
      <Loaded of={usage}>
        {(found) => (
          <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
            <Bar title="Storage" amount={found.storage_bytes} shown={sized}>
              Bytes that are stored for the tenant.
            </Bar>
            <Bar title="Datasets" amount={found.datasets} shown={counted}>
              Files that were uploaded.
            </Bar>
            <Bar title="Open jobs" amount={found.open_jobs ?? null} shown={counted}>
              Jobs that have not ended.
            </Bar>
            <Bar title="Open uploads" amount={found.open_uploads} shown={counted}>
              Uploads in parts that are neither complete nor given up.
            </Bar>
          </SimpleGrid>
        )}
      </Loaded>
    </>
  );
}

function Bar({
  title,
  amount,
  shown,
  children,
}: {
  title: string;
  amount: Amount | null;
  shown: (value: number) => string;
  children: ReactNode;
}) {
  const share = amount?.limit ? amount.used / amount.limit : 0;
  return (
    <Panel title={title}>
      <Stack gap={8}>
        <Group justify="space-between" align="baseline" wrap="nowrap">
          <Text fz={22} fw={620} className="num">
            {amount ? shown(amount.used) : "not known now"}
          </Text>
          <Text fz="sm" c="dimmed" className="num">
            {amount?.limit ? `of ${shown(amount.limit)}` : "no limit"}
          </Text>
        </Group>
        {amount?.limit && (
          <Progress
            value={100 * share}
            color={share > TIGHT ? "red" : "tide"}
            aria-label={`${title}: share of the limit`}
          />
        )}
        <Text fz="xs" c="dimmed">
          {children}
        </Text>
      </Stack>
    </Panel>
  );
}
