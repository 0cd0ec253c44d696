import { Table } from "@mantine/core";
import type { Schema } from "@/api/http";
import { counted } from "@/live/figures";
import { Panel } from "@/parts/Panel";

export const CONTRACTS: Record<string, string> = {
  evolve: "columns become what holds all their values",
  freeze: "another shape is refused",
  null_value: "values that do not fit become null",
  quarantine_row: "rows that do not fit are set aside",
};

/** How ingest read the file. */
export function Detected({ of }: { of: Schema["Detected"] }) {
  const marks = (text: string | null | undefined) =>
    text?.replaceAll("\t", "tab").replaceAll(" ", "space");
  const facts: [string, string | null | undefined][] = [
    ["Format", of.format],
    ["Compression", of.compression],
    ["Encoding", of.encoding],
    ["Delimiter", marks(of.delimiter)],
    ["Quote", of.quote],
    ["Header", of.header === null || of.header === undefined ? null : of.header ? "yes" : "no"],
    ["Lines skipped", of.skip ? counted(of.skip) : null],
    ["Decimal mark", of.decimal === "," ? "comma" : null],
    ["Rows set aside", of.rejects ? counted(of.rejects) : null],
    ["Values made null", of.nulled ? counted(of.nulled) : null],
    ["Contract", of.contract && CONTRACTS[of.contract]],
    ["Columns that changed", of.evolved?.join(", ")],
  ];
  return (
    <Panel title="How it was read" flush>
      <Table className="dense-table" data-testid="detected">
        <Table.Tbody>
          {facts
            .filter(([, value]) => value)
            .map(([name, value]) => (
              <Table.Tr key={name}>
                <Table.Th scope="row" w={170}>
                  {name}
                </Table.Th>
                <Table.Td className="num" style={{ whiteSpace: "normal" }}>
                  {value}
                </Table.Td>
              </Table.Tr>
            ))}
        </Table.Tbody>
      </Table>
    </Panel>
  );
}
