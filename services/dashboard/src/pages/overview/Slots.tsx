import { Group, Progress, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { workersQuery } from "@/api/queries";
import { Empty, Loaded } from "@/parts/Page";
import { Panel } from "@/parts/Panel";

/** How much of what the workers offer is in use. */
export function Slots() {
  const workers = useQuery(workersQuery);
  return (
    <Panel title="Slots in use">
      <Loaded of={workers} height={60}>
        {(all) => {
          const live = all.filter((each) => each.live);
          if (live.length === 0)
            return <Empty title="No worker is live">Jobs wait until one comes.</Empty>;
          return (
            <Stack gap="sm">
              {live.map((worker) => (
                <div key={worker.name}>
                  <Group justify="space-between" wrap="nowrap">
                    <Link to="/workers" className="plain truncate">
                      {worker.name}
                    </Link>
                    <Text fz="sm" className="num">
                      {worker.busy} / {worker.slots}
                    </Text>
                  </Group>
                  <Progress
                    mt={4}
                    size="sm"
                    value={(100 * (worker.busy ?? 0)) / Math.max(1, worker.slots)}
                    aria-label={`Slots of ${worker.name}`}
                  />
                </div>
              ))}
            </Stack>
          );
        }}
      </Loaded>
    </Panel>
  );
}
