import { useQuery } from "@tanstack/react-query";
import { read } from "@/api/json";
import { Problem } from "@/api/problem";
import { textOf } from "@/pages/job/FramePreview";
import { Empty, Loaded } from "@/parts/Page";
import { RowsTable } from "@/parts/RowsTable";

const MOST = 200;
const COLUMNS = ["row", "column", "code", "raw", "byte_offset"];

async function rejects(uri: string, signal: AbortSignal): Promise<Record<string, unknown>[]> {
  try {
    const text = await textOf(`${uri}/rejects`, signal);
    const lines = text.split("\n").filter((line) => line !== "");
    return lines.slice(0, MOST).map((line) => read(line) as Record<string, unknown>);
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return [];
    throw error;
  }
}

/** Rows that did not fit, and why. */
export function Rejects({ uri }: { uri: string }) {
  const rows = useQuery({
    queryKey: ["rejects", uri],
    queryFn: ({ signal }) => rejects(uri, signal),
  });
  return (
    <div className="panel">
      <Loaded of={rows}>
        {(found) =>
          found.length === 0 ? (
            <Empty title="Every row fitted" />
          ) : (
            <RowsTable columns={COLUMNS} rows={found} label="Rejected rows" />
          )
        }
      </Loaded>
    </div>
  );
}
