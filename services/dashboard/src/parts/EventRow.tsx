import { Table, Text, UnstyledButton } from "@mantine/core";
import { Fragment, type ReactNode } from "react";
import { clock } from "@/live/figures";
import type { AnyEvent } from "@/live/frames";
import { JsonBlock } from "@/parts/JsonBlock";

/** An event in a table: its place, when, what; opened it tells all that it says. */
export function EventRow({
  event,
  place,
  of,
  opened,
  toggle,
}: {
  event: AnyEvent;
  place: ReactNode;
  /** A last cell: what the event is about. */
  of?: ReactNode;
  opened: boolean;
  toggle: () => void;
}) {
  return (
    <Fragment>
      <Table.Tr>
        <Table.Td className="num">{place}</Table.Td>
        <Table.Td className="num">{clock(event.at)}</Table.Td>
        <Table.Td {...(of !== undefined && { maw: 420, className: "truncate" })}>
          <UnstyledButton fz="sm" aria-expanded={opened} onClick={toggle}>
            {event.type}{" "}
            <Text component="span" fz="xs" c="dimmed">
              {gist(event)}
            </Text>
          </UnstyledButton>
        </Table.Td>
        {of !== undefined && <Table.Td>{of}</Table.Td>}
      </Table.Tr>
      {opened && (
        <Table.Tr>
          <Table.Td colSpan={of === undefined ? 3 : 4} p={0}>
            <JsonBlock value={event} label="Event" />
          </Table.Td>
        </Table.Tr>
      )}
    </Fragment>
  );
}

function gist(event: AnyEvent): string {
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
