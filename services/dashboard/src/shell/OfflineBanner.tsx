/** Says that what is shown is old, and how old. */
import { Alert } from "@mantine/core";
import { IconPlugConnectedX } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { connection } from "@/live/feed";
import { counted } from "@/live/figures";
import { behind } from "@/live/frames";
import { useStore } from "@/live/store";

/** Shorter breaks, as when a service restarts, are not worth a word. */
const PATIENCE_MS = 1_200;

export function OfflineBanner() {
  const { link, live, head, seen, paused } = useStore(connection);
  const away = !(link === "open" && live);
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!away) {
      setLate(false);
      return;
    }
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [away]);
  const missing = behind(seen, head);
  if (late) {
    return (
      <Alert
        mb="sm"
        py="xs"
        variant="light"
        color="yellow"
        icon={<IconPlugConnectedX size={18} />}
        title="No live updates"
        role="alert"
      >
        {missing
          ? `This page is ${counted(missing)} events behind; it catches up by itself.`
          : "The connection is gone. This page catches up by itself, without losing an event."}
      </Alert>
    );
  }
  if (!paused && missing && missing > 500) {
    return (
      <Alert mb="sm" py="xs" variant="light" color="tide">
        Catching up: {counted(missing)} events behind.
      </Alert>
    );
  }
  return null;
}
