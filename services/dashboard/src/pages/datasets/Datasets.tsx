/** What was uploaded. */
import "@mantine/dropzone/styles.css";
import { Button, Stack, Table } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { datasetsQuery } from "@/api/queries";
import { counted, sized } from "@/live/figures";
import type { Dataset } from "@/live/lists";
import { Trashed } from "@/pages/datasets/Trashed";
import { Uploads } from "@/pages/datasets/Uploads";
import { Empty, Loaded, PageHead } from "@/parts/Page";
import { Pager } from "@/parts/Pager";
import { Scroller } from "@/parts/Scroller";
import { Status } from "@/parts/Status";
import { When } from "@/parts/When";

export function Datasets() {
  const { cursor, trash } = useSearch({ from: "/inside/datasets" });
  const navigate = useNavigate({ from: "/datasets" });
  const datasets = useQuery(datasetsQuery(cursor ?? null, { trash: Boolean(trash) }));
  return (
    <>
      <PageHead title={trash ? "Trash" : "Datasets"}>
        <Link to="/datasets" search={trash ? {} : { trash: "yes" }}>
          <Button component="span" variant="default">
            {trash ? "Back to the datasets" : "Trash"}
          </Button>
        </Link>
      </PageHead>
      <Stack gap="sm">
        {!trash && <Uploads />}
        <Loaded of={datasets} height={300}>
          {(page) => (
            <>
              <div className="panel">
                {page.items.length === 0 ? (
                  <Empty title={trash ? "The trash is empty" : "No datasets yet"}>
                    {trash ? "Deleted datasets lie here for a while." : "Drop a file above."}
                  </Empty>
                ) : (
                  <Scroller label="Datasets">
                    <Table className="dense-table">
                      <Table.Thead>
                        <Table.Tr>
                          <Table.Th>Name</Table.Th>
                          <Table.Th>Status</Table.Th>
                          <Table.Th>Format</Table.Th>
                          <Table.Th ta="right">Rows</Table.Th>
                          <Table.Th ta="right">Columns</Table.Th>
                          <Table.Th ta="right">Size</Table.Th>
                          <Table.Th>Uploaded</Table.Th>
                          {trash && <Table.Th aria-label="Restore or purge" />}
                        </Table.Tr>
                      </Table.Thead>
                      <Table.Tbody>
                        {page.items.map((each) => (
                          <Table.Tr key={each.id} data-dataset={each.id}>
                            <Table.Td maw={280} className="truncate">
                              {trash ? each.name : <Named dataset={each} />}
                            </Table.Td>
                            <Table.Td>
                              <Status status={each.status} />
                            </Table.Td>
                            <Table.Td>{each.format ?? "–"}</Table.Td>
                            <Table.Td ta="right" className="num">
                              {counted(each.rows)}
                            </Table.Td>
                            <Table.Td ta="right" className="num">
                              {counted(each.columns?.length)}
                            </Table.Td>
                            <Table.Td ta="right" className="num">
                              {sized(each.size_bytes)}
                            </Table.Td>
                            <Table.Td>
                              <When at={each.created_at} />
                            </Table.Td>
                            {trash && (
                              <Table.Td>
                                <Trashed dataset={each} />
                              </Table.Td>
                            )}
                          </Table.Tr>
                        ))}
                      </Table.Tbody>
                    </Table>
                  </Scroller>
                )}
              </div>
              <Pager
                page={page}
                cursor={cursor}
                go={(to) => void navigate({ search: { cursor: to, trash } })}
              />
            </>
          )}
        </Loaded>
      </Stack>
    </>
  );
}

function Named({ dataset }: { dataset: Dataset }) {
  return (
    <Link
      to="/datasets/$id"
      params={{ id: dataset.id }}
      style={{ color: "inherit", fontWeight: 550 }}
    >
      {dataset.name}
    </Link>
  );
}
