import { Group, Text } from "@mantine/core";
import type { ReactNode } from "react";

export function Panel({
  title,
  aside,
  children,
  flush = false,
}: {
  title?: string;
  aside?: ReactNode;
  children: ReactNode;
  flush?: boolean;
}) {
  return (
    <div className="panel" style={{ minWidth: 0, overflow: "hidden" }}>
      {title && (
        <Group justify="space-between" gap={4} px="sm" pt={9} pb={flush ? 9 : 0}>
          <Text component="h2" fz="sm" fw={600} m={0}>
            {title}
          </Text>
          {aside}
        </Group>
      )}
      <div style={flush ? undefined : { padding: "10px 12px 12px" }}>{children}</div>
    </div>
  );
}
