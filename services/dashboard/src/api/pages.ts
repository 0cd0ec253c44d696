/** Lists that come by the page. */

/** What is asked for one page of a list that people look at. */
export const paged = (cursor: string | null) => ({ limit: 50, ...(cursor && { cursor }) });

/** Everything in a list, page after page; its cursors are numbers. */
export async function everyPage<T>(
  ask: (query: { limit: number; cursor?: number }) => Promise<{
    items: T[];
    next_cursor?: string | null;
  }>,
): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await ask({ limit: 1000, ...(cursor && { cursor: Number(cursor) }) });
    found.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return found;
}
