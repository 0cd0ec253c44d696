import { Table, Text, UnstyledButton } from "@mantine/core";
import { Fragment, useState } from "react";
import { clock } from "@/live/figures";
import type { AnyEvent } from "@/live/frames";
import { JsonBlock } from "@/parts/JsonBlock";
import { Scroller } from "@/parts/Scroller";

/** Events in order, each with all that it says. */
export function JobEvents({ events }: { events: readonly AnyEvent[] }) {
  const [opened, setOpened] = useState<string | null>(null);
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
          <Table.Tbody>
            {events.map((event) => (
              <Fragment key={event.id}>
                <Table.Tr>
                  <Table.Td className="num">{event.seq}</Table.Td>
                  <Table.Td className="num">{clock(event.at)}</Table.Td>
                  <Table.Td>
                    <UnstyledButton
                      fz="sm"
                      aria-expanded={opened === event.id}
                      onClick={() => setOpened(opened === event.id ? null : event.id)}
                    >
                      {event.type}{" "}
                      <Text component="span" fz="xs" c="dimmed">
                        {gist(event)}
                      </Text>
                    </UnstyledButton>
                  </Table.Td>
                </Table.Tr>
                {opened === event.id && (
                  <Table.Tr>
                    <Table.Td colSpan={3} p={0}>
                      <JsonBlock value={event} label="Event" />
                    </Table.Td>
                  </Table.Tr>
                )}
              </Fragment>
            ))}
          </Table.Tbody>
        </Table>
      </Scroller>
    </div>
  );
}

export function gist(event: AnyEvent): string {
  switch (event.type) {
    case "job.started":
      return `attempt ${event.attempt} on ${event.worker}`;
    case "job.step_succeeded":
      return event.step;
    case "job.step_failed":
      return `${event.step}: ${event.error.message}`;
    case "job.failed":
    case "job.expired":
      return event.error.message;
    case "job.retry_scheduled":
      return `${event.kind}: ${event.error.message}`;
    case "job.attempt_lost":
    case "job.blocked":
      return event.reason;
    case "dataset.created":
    case "dataset.uploaded":
      return event.name;
    case "dataset.rejected":
      return event.error.message;
    case "user.registered":
      return event.email;
    default:
      return "";
  }
}
