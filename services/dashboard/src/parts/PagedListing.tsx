import { Stack } from "@mantine/core";
import { Listing, type ListProps } from "@/parts/Listing";
import { Pager } from "@/parts/Pager";

/** One page of things in a panel, and the way to the others. */
export function PagedListing<T>({
  page,
  cursor,
  go,
  ...list
}: Omit<ListProps<T>, "items"> & {
  page: { items: readonly T[]; next_cursor?: string | null };
  cursor: string | undefined;
  go: (cursor: string | undefined) => void;
}) {
  return (
    <Stack gap="sm">
      <div className="panel">
        <Listing items={page.items} {...list} />
      </div>
      <Pager page={page} cursor={cursor} go={go} />
    </Stack>
  );
}
