import { Button, Group } from "@mantine/core";

/** Pages behind a cursor: back to the newest, on to older ones. */
export function Pager({
  next,
  first,
  go,
}: {
  next: string | null;
  first: boolean;
  go: (cursor: string | undefined) => void;
}) {
  if (first && !next) return null;
  return (
    <Group gap="xs">
      <Button variant="default" disabled={first} onClick={() => go(undefined)}>
        Newest
      </Button>
      <Button variant="default" disabled={!next} onClick={() => next && go(next)}>
        Older
      </Button>
    </Group>
  );
}
