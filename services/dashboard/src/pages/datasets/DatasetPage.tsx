/** One dataset: its first rows, its columns, and what did not fit. */
import { Button, Group, SimpleGrid, Stack, Tabs, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { remove } from "@/api/http";
import { datasetQuery, valueQuery } from "@/api/queries";
import { Bars } from "@/charts/Bars";
import { counted, shown, sized } from "@/live/figures";
import type { Dataset } from "@/live/lists";
import { Detected } from "@/pages/datasets/Detected";
import { ReadAgain } from "@/pages/datasets/ReadAgain";
import { Rejects } from "@/pages/datasets/Rejects";
import { Rename } from "@/pages/datasets/Rename";
import { Rereading } from "@/pages/datasets/Rereading";
import { Downloads } from "@/pages/job/ResultView";
import { ConfirmButton } from "@/parts/Confirm";
import { Id } from "@/parts/Copy";
import { Labels } from "@/parts/Labels";
import { ErrorNote, Loaded, PageHead } from "@/parts/Page";
import { Panel } from "@/parts/Panel";
import { RowsTable } from "@/parts/RowsTable";
import { Status } from "@/parts/Status";

interface Column {
  name: string;
  type: string;
  nulls: number;
  null_percent: number;
  distinct: number | null;
  min: unknown;
  max: unknown;
  mean: number | null;
  std: number | null;
  histogram: { edges: number[]; counts: number[] } | null;
}

export function DatasetPage() {
  const { id } = useParams({ from: "/inside/datasets/$id" });
  const dataset = useQuery(datasetQuery(id));
  return <Loaded of={dataset}>{(found) => <Shown dataset={found} />}</Loaded>;
}

function Shown({ dataset }: { dataset: Dataset }) {
  const { tab = "preview" } = useSearch({ from: "/inside/datasets/$id" });
  const navigate = useNavigate({ from: "/datasets/$id" });
  const uri = `/v1/datasets/${dataset.id}`;
  const validating = dataset.status === "validating";
  // while it is read again there is the table of before
  const withTable = dataset.status === "ready" || (validating && dataset.rows !== null);
  return (
    <>
      <PageHead
        title={dataset.name}
        under={
          <Group gap="sm" mt={2}>
            <Status status={dataset.status} />
            <Id id={dataset.id} />
            <span className="num">
              {dataset.format} · {sized(dataset.size_bytes)} · {counted(dataset.rows)} rows ×{" "}
              {counted(dataset.columns?.length)} columns
            </span>
            <Labels labels={dataset.labels ?? {}} />
          </Group>
        }
      >
        <Orders dataset={dataset} />
      </PageHead>
      {dataset.error && (
        <ErrorNote
          error={new Error(dataset.error.message)}
          title={`Rejected: ${dataset.error.code}`}
        />
      )}
      {dataset.reading && <Rereading reading={dataset.reading} withTable={withTable} />}
      {!withTable && !dataset.error && !dataset.reading && (
        <Text fz="sm" c="dimmed">
          It is being read; its rows appear here by themselves.
        </Text>
      )}
      {withTable && (
        <Tabs
          value={tab}
          keepMounted={false}
          onChange={(value) =>
            void navigate({ search: { tab: value ?? undefined }, replace: true })
          }
        >
          <Tabs.List>
            <Tabs.Tab value="preview">Preview</Tabs.Tab>
            <Tabs.Tab value="columns">Columns</Tabs.Tab>
            <Tabs.Tab value="rejects">Rejects</Tabs.Tab>
            {dataset.detected && <Tabs.Tab value="detected">How it was read</Tabs.Tab>}
          </Tabs.List>
          <Tabs.Panel value="preview" pt="sm">
            <Panel
              title="First rows"
              aside={<Downloads uri={`${uri}/content`} size={dataset.size_bytes} original />}
              flush
            >
              <Preview uri={uri} />
            </Panel>
          </Tabs.Panel>
          <Tabs.Panel value="columns" pt="sm">
            <Columns uri={uri} />
          </Tabs.Panel>
          <Tabs.Panel value="rejects" pt="sm">
            <Rejects uri={uri} />
          </Tabs.Panel>
          {dataset.detected && (
            <Tabs.Panel value="detected" pt="sm">
              <Detected of={dataset.detected} />
            </Tabs.Panel>
          )}
        </Tabs>
      )}
    </>
  );
}

function Orders({ dataset }: { dataset: Dataset }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const path = { dataset_id: dataset.id };
  const again = async () => {
    await client.invalidateQueries({ queryKey: ["datasets"] });
    await client.invalidateQueries({ queryKey: ["dataset", dataset.id] });
  };
  const discard = async () => {
    await remove("/v1/datasets/{dataset_id}", { path });
    await navigate({ to: "/datasets", search: {} });
    await again();
  };
  return (
    <>
      <Link to="/jobs/new" search={{ dataset: dataset.id }}>
        <Button component="span">New job</Button>
      </Link>
      <ReadAgain dataset={dataset} />
      <Rename dataset={dataset} />
      <ConfirmButton
        label="Delete"
        confirm="Move it to the trash"
        question="It can be restored from the trash for a while; then its bytes are deleted."
        act={discard}
      />
    </>
  );
}

function Preview({ uri }: { uri: string }) {
  const preview = useQuery(
    valueQuery<{ columns: string[]; rows: Record<string, unknown>[] }>(`${uri}/preview`),
  );
  return (
    <Loaded of={preview}>
      {(found) => <RowsTable columns={found.columns} rows={found.rows} label="First rows" />}
    </Loaded>
  );
}

function Columns({ uri }: { uri: string }) {
  const profile = useQuery(valueQuery<{ rows: number; columns: Column[] }>(`${uri}/profile`));
  return (
    <Loaded of={profile}>
      {(found) => (
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }} spacing="sm">
          {found.columns.map((column) => (
            <Panel
              key={column.name}
              title={column.name}
              aside={
                <Text fz="xs" c="dimmed">
                  {column.type}
                </Text>
              }
            >
              <Stack gap={4}>
                <Text fz="xs" c="dimmed" className="num">
                  {counted(column.distinct)} distinct · {column.null_percent} % null
                </Text>
                {column.mean !== null && (
                  <Text fz="xs" c="dimmed" className="num">
                    mean {shown(column.mean)} ± {shown(column.std)}
                  </Text>
                )}
                {column.histogram ? (
                  <Bars {...column.histogram} label={`Histogram of ${column.name}`} />
                ) : (
                  <Text fz="xs" className="truncate num">
                    {shown(column.min)} … {shown(column.max)}
                  </Text>
                )}
              </Stack>
            </Panel>
          ))}
        </SimpleGrid>
      )}
    </Loaded>
  );
}
