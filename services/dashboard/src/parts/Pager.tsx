import { Button, Group } from "@mantine/core";

/** Pages behind a cursor: back to the newest, on to older ones. */
export function Pager({
  page,
  cursor,
  go,
}: {
  page: { next_cursor?: string | null };
  cursor: string | undefined;
  go: (cursor: string | undefined) => void;
}) {
  const next = page.next_cursor;
  if (!cursor && !next) return null;
  return (
    <Group gap="xs" justify="flex-end">
      <Button variant="default" disabled={!cursor} onClick={() => go(undefined)}>
        Newest
      </Button>
      <Button variant="default" disabled={!next} onClick={() => next && go(next)}>
        Older
      </Button>
    </Group>
  );
}
