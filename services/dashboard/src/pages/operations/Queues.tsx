/** Queues with the tenant's own work in them. */
import { Button, Table, VisuallyHidden } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { post } from "@/api/http";
import { queuesQuery } from "@/api/queries";
import { counted } from "@/live/figures";
import { failed } from "@/parts/notes";
import { Loaded, PageHead } from "@/parts/Page";
import { Scroller } from "@/parts/Scroller";
import { Status } from "@/parts/Status";

const COUNTS = ["running", "queued", "blocked", "retrying", "slots", "workers"] as const;

export function Queues() {
  const queues = useQuery(queuesQuery);
  const client = useQueryClient();
  const toggle = async (name: string, paused: boolean) => {
    try {
      const path = { path: { name } };
      await (paused
        ? post("/v1/queues/{name}/resume", path)
        : post("/v1/queues/{name}/pause", path));
      await client.invalidateQueries({ queryKey: queuesQuery.queryKey });
    } catch (error) {
      failed(error, "The queue stays as it is");
    }
  };
  return (
    <>
      <PageHead title="Queues" />
      <Loaded of={queues}>
        {(items) => (
          <div className="panel">
            <Scroller label="Queues">
              <Table className="dense-table">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Queue</Table.Th>
                    <Table.Th>Status</Table.Th>
                    {COUNTS.map((name) => (
                      <Table.Th key={name} ta="right">
                        {name}
                      </Table.Th>
                    ))}
                    <Table.Th>
                      <VisuallyHidden>Orders</VisuallyHidden>
                    </Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {items.map((queue) => (
                    <Table.Tr key={queue.name}>
                      <Table.Td>
                        <Link to="/jobs" search={{ q: `queue:${queue.name}` }}>
                          {queue.name}
                        </Link>
                      </Table.Td>
                      <Table.Td>
                        <Status
                          status={queue.paused || queue.paused_for_all ? "paused" : "live"}
                          why={queue.paused_for_all ? "for everybody" : null}
                        />
                      </Table.Td>
                      {COUNTS.map((name) => (
                        <Table.Td key={name} ta="right" className="num">
                          {counted(queue[name])}
                        </Table.Td>
                      ))}
                      <Table.Td ta="right">
                        <Button
                          size="compact-xs"
                          variant="default"
                          onClick={() => void toggle(queue.name, queue.paused)}
                        >
                          {queue.paused ? "Resume" : "Pause"}
                        </Button>
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Scroller>
          </div>
        )}
      </Loaded>
    </>
  );
}
