import { Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { attemptsQuery } from "@/api/queries";
import { lasted } from "@/live/figures";
import { Empty, Loaded } from "@/parts/Page";
import { Scroller } from "@/parts/Scroller";
import { Status } from "@/parts/Status";
import { When } from "@/parts/When";

/** Every run of every part of the job. */
export function Attempts({ jobId }: { jobId: string }) {
  const attempts = useQuery(attemptsQuery(jobId));
  return (
    <div className="panel">
      <Loaded of={attempts}>
        {(items) =>
          items.length === 0 ? (
            <Empty title="No attempt has begun" />
          ) : (
            <Scroller label="Attempts">
              <Table className="dense-table">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Attempt</Table.Th>
                    <Table.Th>Outcome</Table.Th>
                    <Table.Th>Worker</Table.Th>
                    <Table.Th>Took</Table.Th>
                    <Table.Th>Began</Table.Th>
                    <Table.Th>Error</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {items.map((each) => (
                    <Table.Tr key={each.run_id}>
                      <Table.Td className="num">{each.attempt}</Table.Td>
                      <Table.Td>
                        <Status status={each.outcome ?? "running"} />
                      </Table.Td>
                      <Table.Td>{each.worker}</Table.Td>
                      <Table.Td className="num">
                        {each.duration_s === null ? "–" : lasted(1000 * each.duration_s)}
                      </Table.Td>
                      <Table.Td>
                        <When at={each.started_at} />
                      </Table.Td>
                      <Table.Td maw={320} className="truncate">
                        <Text
                          fz="xs"
                          component="span"
                          title={each.error?.traceback ?? each.error?.message}
                        >
                          {each.error?.message}
                        </Text>
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Scroller>
          )
        }
      </Loaded>
    </div>
  );
}
