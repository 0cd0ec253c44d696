import { Table } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { AnyEvent, Placed } from "@/live/frames";
import { EventRow } from "@/parts/EventRow";
import { Scroller } from "@/parts/Scroller";

/** Events with their places in the log. */
export function EventTable({ items }: { items: readonly Placed[] }) {
  const [opened, setOpened] = useState<string | null>(null);
  return (
    <div className="panel">
      <Scroller label="Events" style={{ maxHeight: "70vh" }}>
        <Table className="dense-table" stickyHeader verticalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={90}>Cursor</Table.Th>
              <Table.Th w={110}>At</Table.Th>
              <Table.Th>Event</Table.Th>
              <Table.Th>Of</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {items.map(({ cursor, event }) => (
              <EventRow
                key={event.id}
                event={event}
                place={<span className="mono">{cursor}</span>}
                of={<Of event={event} />}
                opened={opened === event.id}
                toggle={() => setOpened(opened === event.id ? null : event.id)}
              />
            ))}
          </Table.Tbody>
        </Table>
      </Scroller>
    </div>
  );
}

function Of({ event }: { event: AnyEvent }) {
  if ("job_id" in event && event.job_id && event.type.startsWith("job.")) {
    return (
      <Link to="/jobs/$id" params={{ id: event.job_id }} className="mono">
        job {event.job_id.slice(-8)}
      </Link>
    );
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
