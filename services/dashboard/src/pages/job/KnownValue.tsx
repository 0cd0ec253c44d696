/** Values of which it is known how to draw them: metrics and anomalies of columns. */
import { Group, SimpleGrid, Stack, Table, Text } from "@mantine/core";
import { Ranked } from "@/charts/Bars";
import { counted, shown } from "@/live/figures";
import { Panel } from "@/parts/Panel";
import { Scroller } from "@/parts/Scroller";

interface Anomalies {
  method: string;
  threshold: number;
  rows: number;
  anomalies: number;
  columns: Record<string, number>;
  first: { row: number; column: string; value: unknown; score: unknown }[];
}

interface ColumnMetrics {
  type: string;
  count: number;
  nulls: number;
  min: unknown;
  max: unknown;
  mean: number | string | null;
  std: number | string | null;
  quantiles: Record<string, number | null> | null;
}

interface Metrics {
  rows: number;
  columns: Record<string, ColumnMetrics>;
}

export function KnownValue({ processor, value }: { processor: string; value: unknown }) {
  if (typeof value !== "object" || value === null) return null;
  if (processor === "detect_anomalies" && "anomalies" in value)
    return <AnomaliesView found={value as Anomalies} />;
  if (processor === "compute_metrics" && "columns" in value)
    return <MetricsView metrics={value as Metrics} />;
  return null;
}

function AnomaliesView({ found }: { found: Anomalies }) {
  const rows = Object.entries(found.columns).sort((a, b) => b[1] - a[1]);
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm" data-testid="anomalies">
      <Panel title="Anomalies by column">
        <Text fz="sm" c="dimmed" mb="xs">
          <b>{counted(found.anomalies)}</b> of {counted(found.rows)} rows, {found.method} above{" "}
          {found.threshold}
        </Text>
        <Ranked rows={rows} color="var(--tm-retrying)" />
      </Panel>
      <Panel title="First anomalies" flush>
        <Scroller label="First anomalies" style={{ maxHeight: 260 }}>
          <Table className="dense-table" verticalSpacing={4}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th ta="right">Row</Table.Th>
                <Table.Th>Column</Table.Th>
                <Table.Th ta="right">Value</Table.Th>
                <Table.Th ta="right">Score</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {found.first.map((each) => (
                <Table.Tr key={`${each.row}-${each.column}`}>
                  <Table.Td ta="right" className="num">
                    {counted(each.row)}
                  </Table.Td>
                  <Table.Td>{each.column}</Table.Td>
                  <Table.Td ta="right" className="num">
                    {shown(each.value)}
                  </Table.Td>
                  <Table.Td ta="right" className="num">
                    {shown(each.score)}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Scroller>
      </Panel>
    </SimpleGrid>
  );
}

function MetricsView({ metrics }: { metrics: Metrics }) {
  return (
    <Panel title={`Metrics of ${counted(metrics.rows)} rows`}>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md" data-testid="metrics">
        {Object.entries(metrics.columns).map(([name, of]) => (
          <div key={name}>
            <Group justify="space-between" gap="xs" wrap="nowrap">
              <Text fz="sm" fw={550} className="truncate">
                {name}
              </Text>
              <Text fz="xs" c="dimmed">
                {of.type}
              </Text>
            </Group>
            <Box column={of} />
            <Stack gap={0}>
              <Text fz="xs" c="dimmed" className="num">
                {counted(of.count)} values, {counted(of.nulls)} null
                {of.mean !== null && ` · mean ${shown(of.mean)} ± ${shown(of.std)}`}
              </Text>
            </Stack>
          </div>
        ))}
      </SimpleGrid>
    </Panel>
  );
}

/** Least to greatest as a line, the middle half as a box, the median as a mark. */
function Box({ column }: { column: ColumnMetrics }) {
  const { min, max, quantiles } = column;
  if (typeof min !== "number" || typeof max !== "number" || !quantiles) {
    return (
      <Text fz="xs" className="num truncate">
        {shown(min)} … {shown(max)}
      </Text>
    );
  }
  const share = (value: number | null | undefined) =>
    value === null || value === undefined || max === min ? 50 : (100 * (value - min)) / (max - min);
  const [low, middle, high] = [
    share(quantiles["0.25"]),
    share(quantiles["0.5"]),
    share(quantiles["0.75"]),
  ];
  const label = `from ${shown(min)} to ${shown(max)}, median ${shown(quantiles["0.5"])}`;
  return (
    <>
      <svg
        viewBox="0 0 100 14"
        width="100%"
        height={20}
        preserveAspectRatio="none"
        role="img"
        aria-label={label}
      >
        <line
          x1={0}
          x2={100}
          y1={7}
          y2={7}
          stroke="var(--tm-waiting)"
          strokeWidth={1}
          vectorEffect="non-scaling-stroke"
        />
        <rect
          x={low}
          width={Math.max(0.8, high - low)}
          y={2}
          height={10}
          rx={1}
          fill="var(--mantine-color-tide-5)"
          opacity={0.55}
        />
        <line
          x1={middle}
          x2={middle}
          y1={1}
          y2={13}
          stroke="var(--mantine-color-text)"
          strokeWidth={2}
          vectorEffect="non-scaling-stroke"
        />
      </svg>
      <Group justify="space-between">
        <Text fz={11} c="dimmed" className="num">
          {shown(min)}
        </Text>
        <Text fz={11} c="dimmed" className="num">
          {shown(quantiles["0.5"])}
        </Text>
        <Text fz={11} c="dimmed" className="num">
          {shown(max)}
        </Text>
      </Group>
    </>
  );
}
