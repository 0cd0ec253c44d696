import { Table } from "@mantine/core";
import type { AnyEvent } from "@/live/frames";
import { EventRow, useOpened } from "@/parts/EventRow";
import { Scroller } from "@/parts/Scroller";

/** Events in order, each with all that it says. */
export function JobEvents({ events }: { events: readonly AnyEvent[] }) {
  const [opened, toggle] = useOpened();
  return (
    <div className="panel">
      <Scroller label="Events">
        <Table className="dense-table">
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={50}>No.</Table.Th>
              <Table.Th w={110}>At</Table.Th>
              <Table.Th>Event</Table.Th>
            </Table.Tr>
          </Table.Thead>
          {events.map((event) => (
            <EventRow
              key={event.id}
              event={event}
              place={event.seq}
              opened={opened === event.id}
              toggle={toggle}
            />
          ))}
        </Table>
      </Scroller>
    </div>
  );
}
