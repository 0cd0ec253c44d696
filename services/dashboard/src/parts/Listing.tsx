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

export interface ListProps<T> {
  label: string;
  items: readonly T[];
  columns: readonly ListColumn<T>[];
  keyOf: (item: T) => string;
  empty: { title: string; text: ReactNode };
  /** What stands under an item's row. */
  below?: (item: T) => ReactNode;
}

/** Things of one kind, a row each; where there are none, what to do about it. */
export function Listing<T>({ label, items, columns, keyOf, empty, below }: ListProps<T>) {
  if (items.length === 0) return <Empty title={empty.title}>{empty.text}</Empty>;
  return (
    <Scroller label={label}>
      <Table className="dense-table">
        <Table.Thead>
          <Table.Tr>
            {columns.map((column) => (
              <Table.Th key={column.head} ta={atRight(column) ? "right" : "left"}>
                {column.quiet ? <VisuallyHidden>{column.head}</VisuallyHidden> : column.head}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <tbody>
          {items.map((item) => {
            const under = below?.(item);
            return (
              <Fragment key={keyOf(item)}>
                <tr data-item={keyOf(item)}>
                  {columns.map((column) => (
                    <td key={column.head} className={classOf(column)} style={widthOf(column)}>
                      {column.cell(item)}
                    </td>
                  ))}
                </tr>
                {under && (
                  <tr>
                    <td colSpan={columns.length}>{under}</td>
                  </tr>
                )}
              </Fragment>
            );
          })}
        </tbody>
      </Table>
    </Scroller>
  );
}

type Shape = ListColumn<never>;

function atRight({ right, quiet }: Pick<Shape, "right" | "quiet">): boolean {
  return Boolean(right || quiet);
}

function classOf(column: Pick<Shape, "right" | "quiet" | "most">): string {
  return `num${atRight(column) ? " right" : ""}${column.most ? " truncate" : ""}`;
}

function widthOf({ most }: Pick<Shape, "most">) {
  return most ? { maxWidth: most } : undefined;
}
