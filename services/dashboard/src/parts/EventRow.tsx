import { UnstyledButton } from "@mantine/core";
import { memo, type ReactNode, useCallback, useState } from "react";
import { clock } from "@/live/figures";
import type { AnyEvent } from "@/live/frames";
import { JsonBlock } from "@/parts/JsonBlock";

/** An event in a table: its place, when, what; opened it tells all that it says. */
export const EventRow = memo(function EventRow({
  event,
  place,
  of,
  opened,
  toggle,
  ...rest
}: {
  event: AnyEvent;
  place: string | number;
  /** A last cell: what the event is about. */
  of?: (event: AnyEvent) => ReactNode;
  opened: boolean;
  toggle: (id: string) => void;
  /** Where a table knows which of its rows are in sight. */
  ref?: (row: HTMLElement | null) => void;
  "data-index"?: number;
}) {
  return (
    <tbody {...rest}>
      <tr>
        <td className="num">{place}</td>
        <td className="num">{clock(event.at)}</td>
        <td className="truncate" style={{ maxWidth: 420 }}>
          <UnstyledButton fz="sm" aria-expanded={opened} onClick={() => toggle(event.id)}>
            {event.type} <span className="aside">{gist(event)}</span>
          </UnstyledButton>
        </td>
        {of && <td>{of(event)}</td>}
      </tr>
      {opened && (
        <tr>
          <td colSpan={of ? 4 : 3} style={{ padding: 0 }}>
            <JsonBlock value={event} label="Event" />
          </td>
        </tr>
      )}
    </tbody>
  );
});

/** Which event is open, and the order that opens or closes one. */
export function useOpened(): [string | null, (id: string) => void] {
  const [opened, setOpened] = useState<string | null>(null);
  const toggle = useCallback((id: string) => setOpened((now) => (now === id ? null : id)), []);
  return [opened, toggle];
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
    case "dataset.ready":
      return event.reading?.error ? `as before: ${event.reading.error.message}` : "";
    case "user.registered":
      return event.email;
    default:
      return "";
  }
}
