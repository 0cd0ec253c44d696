/** The head of a page, what it shows while it waits, and what where it fails or has nothing. */
import { Alert, Group, Skeleton, Stack, Text, Title } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import { type ReactNode, useEffect } from "react";
import { told } from "@/api/problem";

export function PageHead({
  title,
  under,
  children,
}: {
  title: string;
  under?: ReactNode;
  children?: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Tidemill`;
  }, [title]);
  return (
    <Group justify="space-between" align="flex-start" mb="sm" gap="xs">
      <div style={{ minWidth: 0 }}>
        <Title order={1} className="truncate">
          {title}
        </Title>
        {under && (
          <Text fz="sm" c="dimmed" component="div">
            {under}
          </Text>
        )}
      </div>
      <Group gap="xs">{children}</Group>
    </Group>
  );
}

export function ErrorNote({ error, title }: { error: unknown; title?: string }) {
  return (
    <Alert color="red" variant="light" py="xs" title={title} role="alert">
      <Text fz="sm" style={{ whiteSpace: "pre-wrap" }}>
        {told(error)}
      </Text>
    </Alert>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <Stack align="center" gap={4} py={40} px="md" ta="center">
      <Text fw={550}>{title}</Text>
      <Text fz="sm" c="dimmed" component="div">
        {children}
      </Text>
    </Stack>
  );
}

/** The answer once it is there; what is older stays while a newer one comes. */
export function Loaded<T>({
  of,
  children,
  height = 160,
}: {
  of: UseQueryResult<T>;
  children: (data: T) => ReactNode;
  height?: number;
}) {
  if (of.data !== undefined) return children(of.data);
  if (of.error) return <ErrorNote error={of.error} />;
  return <Skeleton h={height} radius={8} />;
}
