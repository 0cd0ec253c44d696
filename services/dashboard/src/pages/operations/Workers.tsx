/** Who works, and on what. */
import { Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { workersQuery } from "@/api/queries";
import { Empty, Loaded, PageHead } from "@/parts/Page";
import { Scroller } from "@/parts/Scroller";
import { Status } from "@/parts/Status";
import { When } from "@/parts/When";

export function Workers() {
  const workers = useQuery(workersQuery);
  return (
    <>
      <PageHead title="Workers" />
      <Loaded of={workers}>
        {(items) => (
          <div className="panel">
            {items.length === 0 ? (
              <Empty title="No worker has come yet" />
            ) : (
              <Scroller label="Workers">
                <Table className="dense-table">
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th>Worker</Table.Th>
                      <Table.Th>Status</Table.Th>
                      <Table.Th ta="right">Busy</Table.Th>
                      <Table.Th>Queues</Table.Th>
                      <Table.Th>Processors</Table.Th>
                      <Table.Th>Last seen</Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {items.map((each) => (
                      <Table.Tr key={each.name}>
                        <Table.Td>{each.name}</Table.Td>
                        <Table.Td>
                          <Status status={each.live ? "live" : "lost"} />
                        </Table.Td>
                        <Table.Td ta="right" className="num">
                          {each.busy} / {each.slots}
                        </Table.Td>
                        <Table.Td>{each.queues?.join(", ")}</Table.Td>
                        <Table.Td maw={420} className="truncate">
                          <Text component="span" fz="xs" title={each.processors.join(", ")}>
                            {each.processors.join(", ")}
                          </Text>
                        </Table.Td>
                        <Table.Td>
                          <When at={each.last_seen_at} />
                        </Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Scroller>
            )}
          </div>
        )}
      </Loaded>
    </>
  );
}
