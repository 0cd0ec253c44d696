import { Table } from "@mantine/core";
import { shown } from "@/live/figures";
import { Scroller } from "@/parts/Scroller";

/** Rows as they are; numbers to the right, every digit of them. */
export function RowsTable({
  columns,
  rows,
  label,
}: {
  columns: string[];
  rows: Record<string, unknown>[];
  label: string;
}) {
  const numeric = new Set(
    columns.filter((name) => {
      const first = rows.find((row) => row[name] !== null)?.[name];
      return typeof first === "number" || typeof first === "bigint";
    }),
  );
  return (
    <Scroller label={label} style={{ maxHeight: 420 }}>
      <Table className="dense-table" stickyHeader verticalSpacing={4}>
        <Table.Thead>
          <Table.Tr>
            {columns.map((name) => (
              <Table.Th key={name} ta={numeric.has(name) ? "right" : "left"}>
                {name}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place
            <Table.Tr key={index} data-anomaly={row["anomaly"] === true}>
              {columns.map((name) => (
                <Table.Td
                  key={name}
                  ta={numeric.has(name) ? "right" : "left"}
                  c={row[name] === null ? "dimmed" : undefined}
                  className="num truncate"
                  maw={320}
                >
                  {shown(row[name])}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Scroller>
  );
}
