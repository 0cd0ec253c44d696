import { Table, VisuallyHidden } from "@mantine/core";
import { Fragment, type ReactNode } from "react";
import { Empty } from "@/parts/Page";
import { Scroller } from "@/parts/Scroller";

export interface ListColumn<T> {
  head: string;
  cell: (item: T) => ReactNode;
  right?: boolean;
  /** Where it is cut off, in pixels. */
  most?: number;
  /** Its head is read out and not shown: the column of orders. */
  quiet?: boolean;
}

/** Things of one kind, a row each; where there are none, what to do about it. */
export function Listing<T>({
  label,
  items,
  columns,
  keyOf,
  empty,
  below,
}: {
  label: string;
  items: readonly T[];
  columns: readonly ListColumn<T>[];
  keyOf: (item: T) => string;
  empty: { title: string; text: ReactNode };
  /** What stands under an item's row. */
  below?: (item: T) => ReactNode;
}) {
  if (items.length === 0) return <Empty title={empty.title}>{empty.text}</Empty>;
  const side = (column: ListColumn<T>) => (column.right || column.quiet ? "right" : "left");
  return (
    <Scroller label={label}>
      <Table className="dense-table">
        <Table.Thead>
          <Table.Tr>
            {columns.map((column) => (
              <Table.Th key={column.head} ta={side(column)}>
                {column.quiet ? <VisuallyHidden>{column.head}</VisuallyHidden> : column.head}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {items.map((item) => (
            <Fragment key={keyOf(item)}>
              <Table.Tr data-item={keyOf(item)}>
                {columns.map((column) => (
                  <Table.Td
                    key={column.head}
                    ta={side(column)}
                    className={column.most ? "truncate num" : "num"}
                    {...(column.most && { maw: column.most })}
                  >
                    {column.cell(item)}
                  </Table.Td>
                ))}
              </Table.Tr>
              {below?.(item)}
            </Fragment>
          ))}
        </Table.Tbody>
      </Table>
    </Scroller>
  );
}
