/** What failed, grouped by what it has in common, and what nobody tries again by itself. */
import { Button, Stack, Table, Text, VisuallyHidden } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { post, remove } from "@/api/http";
import { failuresQuery, lettersQuery } from "@/api/queries";
import { counted } from "@/live/figures";
import { dayAgo } from "@/pages/operations/since";
import { ConfirmButton } from "@/parts/Confirm";
import { failed, said } from "@/parts/notes";
import { Empty, Loaded, PageHead } from "@/parts/Page";
import { Panel } from "@/parts/Panel";
import { Scroller } from "@/parts/Scroller";
import { When } from "@/parts/When";

export function Failures() {
  return (
    <>
      <PageHead title="Failed inbox" under="The last 24 hours" />
      <Stack gap="sm">
        <Groups />
        <Letters />
      </Stack>
    </>
  );
}

function Groups() {
  const failures = useQuery(failuresQuery(dayAgo()));
  return (
    <Panel title="Failures" flush>
      <Loaded of={failures}>
        {(items) =>
          items.length === 0 ? (
            <Empty title="Nothing failed" />
          ) : (
            <Scroller label="Failures">
              <Table className="dense-table">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th ta="right">Jobs</Table.Th>
                    <Table.Th>Processor</Table.Th>
                    <Table.Th>Error</Table.Th>
                    <Table.Th>Last seen</Table.Th>
                    <Table.Th>Example</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {items.map((each) => (
                    <Table.Tr key={each.fingerprint}>
                      <Table.Td ta="right" className="num">
                        {counted(each.count)}
                      </Table.Td>
                      <Table.Td>{each.processor}</Table.Td>
                      <Table.Td maw={420} className="truncate">
                        <b>{each.type ?? each.code}</b>{" "}
                        <Text component="span" fz="xs" c="dimmed" title={each.message}>
                          {each.message}
                        </Text>
                      </Table.Td>
                      <Table.Td>
                        <When at={each.last_seen_at} />
                      </Table.Td>
                      <Table.Td>
                        <Link to="/jobs/$id" params={{ id: each.example_job_id }} className="mono">
                          {each.example_job_id.slice(-8)}
                        </Link>
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Scroller>
          )
        }
      </Loaded>
    </Panel>
  );
}

function Letters() {
  const letters = useQuery(lettersQuery(null));
  const client = useQueryClient();
  const navigate = useNavigate();
  const path = (id: string) => ({ path: { letter_id: id } });
  const redrive = async (id: string) => {
    try {
      const done = await post("/v1/dead-letters/{letter_id}/redrive", path(id));
      said("It is tried once more.");
      if (done.job_id) await navigate({ to: "/jobs/$id", params: { id: done.job_id } });
      await client.invalidateQueries({ queryKey: ["letters"] });
    } catch (error) {
      failed(error, "It was not tried again");
    }
  };
  const discard = async (id: string) => {
    await remove("/v1/dead-letters/{letter_id}", path(id));
    await client.invalidateQueries({ queryKey: ["letters"] });
  };
  return (
    <Panel title="Dead letters" flush>
      <Loaded of={letters}>
        {(page) =>
          page.items.length === 0 ? (
            <Empty title="No dead letters">Whatever exhausts its attempts is kept here.</Empty>
          ) : (
            <Scroller label="Dead letters">
              <Table className="dense-table">
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>Kind</Table.Th>
                    <Table.Th>Reason</Table.Th>
                    <Table.Th>Job</Table.Th>
                    <Table.Th>Since</Table.Th>
                    <Table.Th>
                      <VisuallyHidden>Orders</VisuallyHidden>
                    </Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {page.items.map((each) => (
                    <Table.Tr key={each.id}>
                      <Table.Td>{each.kind}</Table.Td>
                      <Table.Td>{each.reason.replaceAll("_", " ")}</Table.Td>
                      <Table.Td>
                        {each.job_id && (
                          <Link to="/jobs/$id" params={{ id: each.job_id }} className="mono">
                            {each.job_id.slice(-8)}
                          </Link>
                        )}
                      </Table.Td>
                      <Table.Td>
                        <When at={each.created_at} />
                      </Table.Td>
                      <Table.Td ta="right">
                        <Button
                          size="compact-xs"
                          mr={6}
                          disabled={Boolean(each.redriven_as)}
                          onClick={() => void redrive(each.id)}
                        >
                          {each.redriven_as ? "Redriven" : "Redrive"}
                        </Button>
                        <ConfirmButton
                          size="compact-xs"
                          label="Discard"
                          confirm="Discard the letter"
                          question="What it holds cannot be tried again afterwards."
                          act={() => discard(each.id)}
                        />
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Scroller>
          )
        }
      </Loaded>
    </Panel>
  );
}
