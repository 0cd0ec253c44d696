import { Badge, Group } from "@mantine/core";

export function Labels({ labels }: { labels: Record<string, string> }) {
  const entries = Object.entries(labels);
  if (entries.length === 0) return null;
  return (
    <Group gap={4} wrap="nowrap">
      {entries.map(([key, value]) => (
        <Badge key={key} size="sm" title={`${key}=${value}`} maw={180}>
          {key}={value}
        </Badge>
      ))}
    </Group>
  );
}
