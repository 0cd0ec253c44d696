import { Badge, Group } from "@mantine/core";

export function Labels({ labels }: { labels: Record<string, string> }) {
  return (
    <Group gap={4} wrap="nowrap">
      {Object.entries(labels).map(([key, value]) => (
        <Badge key={key} size="sm" title={`${key}=${value}`} maw={180}>
          {key}={value}
        </Badge>
      ))}
    </Group>
  );
}
