import "@mantine/notifications/styles.css";
import { Notifications } from "@mantine/notifications";

/** Where short notes come up; those that came before it did wait for it. */
export function Notes() {
  return <Notifications position="bottom-right" limit={4} />;
}
