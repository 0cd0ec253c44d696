/** The first rows of a stored table: as much of its NDJSON as fits into one small request. */
import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { authorized, getValue, problemOf } from "@/api/http";
import { read } from "@/api/json";
import { Loaded } from "@/parts/Page";
import { RowsTable } from "@/parts/RowsTable";

const BYTES = 48 * 1024;
const ROWS = 100;

interface Rows {
  columns: string[];
  rows: Record<string, unknown>[];
}

async function firstRows(uri: string, signal: AbortSignal): Promise<Rows> {
  const link = await getValue<{ uri?: string }>(`${uri}?format=ndjson&redirect=false`, signal);
  if (!link.uri) throw new Error("The preview is being made; look again in a moment.");
  const answer = await fetch(link.uri, { headers: { Range: `bytes=0-${BYTES - 1}` }, signal });
  if (!answer.ok) throw await problemOf(answer);
  const text = await answer.text();
  const whole = answer.status === 200 || text.length < BYTES;
  const lines = text.split("\n");
  const rows = (whole ? lines : lines.slice(0, -1))
    .filter((line) => line !== "")
    .slice(0, ROWS)
    .map((line) => read(line) as Record<string, unknown>);
  return { columns: Object.keys(rows[0] ?? {}), rows };
}

export function FramePreview({ uri }: { uri: string }) {
  const rows = useQuery({
    queryKey: ["rows", uri],
    queryFn: ({ signal }) => firstRows(uri, signal),
    retry: 1,
  });
  return (
    <Loaded of={rows} height={220}>
      {(found) => (
        <>
          <RowsTable columns={found.columns} rows={found.rows} label="First rows" />
          <Text fz="xs" c="dimmed" px="sm" py={6}>
            The first {found.rows.length} rows
          </Text>
        </>
      )}
    </Loaded>
  );
}

/** Bytes of an API address that needs the caller's token. */
export async function textOf(url: string, signal: AbortSignal): Promise<string> {
  const answer = await authorized(url, { signal });
  if (!answer.ok) throw await problemOf(answer);
  return await answer.text();
}
