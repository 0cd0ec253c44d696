import { Table } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef } from "react";
import type { AnyEvent, Placed } from "@/live/frames";
import { EventRow, useOpened } from "@/parts/EventRow";
import { JobLink } from "@/parts/JobLink";
import { Scroller } from "@/parts/Scroller";

const ROW_PX = 30;

/** Events with their places in the log; only those in sight are drawn. */
export function EventTable({ items }: { items: readonly Placed[] }) {
  const [opened, toggle] = useOpened();
  const box = useRef<HTMLElement>(null);
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => box.current,
    getItemKey: (index) => items[index]?.event.id ?? index,
    estimateSize: () => ROW_PX,
    overscan: 10,
  });
  const drawn = rows.getVirtualItems();
  const above = drawn[0]?.start ?? 0;
  const below = rows.getTotalSize() - (drawn.at(-1)?.end ?? 0);
  return (
    <div className="panel">
      <Scroller label="Events" of={box} style={{ maxHeight: "70vh", overflowAnchor: "none" }}>
        <Table
          className="dense-table"
          stickyHeader
          verticalSpacing={4}
          aria-rowcount={items.length + 1}
        >
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={90}>Cursor</Table.Th>
              <Table.Th w={110}>At</Table.Th>
              <Table.Th>Event</Table.Th>
              <Table.Th>Of</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Gap height={above} />
          {drawn.map(({ index, key }) => {
            const item = items[index];
            return item ? (
              <EventRow
                key={key}
                ref={rows.measureElement}
                data-index={index}
                event={item.event}
                place={item.cursor}
                of={ofWhat}
                opened={opened === item.event.id}
                toggle={toggle}
              />
            ) : null;
          })}
          <Gap height={below} />
        </Table>
      </Scroller>
    </div>
  );
}

/** The place of rows that are not in sight. */
function Gap({ height }: { height: number }) {
  return height > 0 ? <tbody aria-hidden style={{ display: "block", height }} /> : null;
}

function ofWhat(event: AnyEvent) {
  if ("job_id" in event && event.job_id && event.type.startsWith("job.")) {
    return <JobLink id={event.job_id} before="job " />;
  }
  if ("dataset_id" in event && event.dataset_id) {
    return (
      <Link to="/datasets/$id" params={{ id: event.dataset_id }} className="mono">
        dataset {event.dataset_id.slice(-8)}
      </Link>
    );
  }
  return null;
}
