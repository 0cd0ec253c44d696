/** Short notes in the corner. */
import { notifications } from "@mantine/notifications";
import { told } from "@/api/problem";

const FRAME = { withBorder: true, closeButtonProps: { "aria-label": "Close the note" } };

export function said(message: string): void {
  notifications.show({ message, autoClose: 3_000, ...FRAME });
}

export function failed(error: unknown, title: string): void {
  notifications.show({
    title,
    message: told(error),
    color: "red",
    autoClose: 8_000,
    ...FRAME,
  });
}
