/** Small histograms and comparisons without axes. */
import { Group, Stack, Text } from "@mantine/core";
import { shown } from "@/live/figures";

export function Bars({
  counts,
  edges,
  label,
}: {
  counts: number[];
  edges: number[];
  label: string;
}) {
  const most = Math.max(1, ...counts);
  return (
    <div role="img" aria-label={`${label}: ${counts.join(", ")}`}>
      <div className="bars" aria-hidden>
        {counts.map((count, index) => (
          <span
            // biome-ignore lint/suspicious/noArrayIndexKey: a bin is its place
            key={index}
            style={{ height: `${(100 * count) / most}%` }}
            title={`${shown(edges[index])} – ${shown(edges[index + 1])}: ${count}`}
          />
        ))}
      </div>
      <Group justify="space-between" mt={2}>
        <Text fz={11} c="dimmed" className="num">
          {shown(edges[0])}
        </Text>
        <Text fz={11} c="dimmed" className="num">
          {shown(edges.at(-1))}
        </Text>
      </Group>
    </div>
  );
}

export function Ranked({
  rows,
  color = "var(--mantine-color-tide-6)",
}: {
  rows: [string, number][];
  color?: string;
}) {
  const most = Math.max(1, ...rows.map(([, value]) => value));
  return (
    <Stack gap={6}>
      {rows.map(([name, value]) => (
        <div key={name}>
          <Group justify="space-between" gap="xs" wrap="nowrap">
            <Text fz="sm" className="truncate">
              {name}
            </Text>
            <Text fz="sm" className="num">
              {shown(value)}
            </Text>
          </Group>
          <div style={{ height: 4, borderRadius: 2, background: "var(--tm-hover)" }}>
            <div
              style={{
                height: 4,
                borderRadius: 2,
                width: `${(100 * value) / most}%`,
                background: color,
              }}
            />
          </div>
        </div>
      ))}
    </Stack>
  );
}
