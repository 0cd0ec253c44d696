/** Whether what is seen is live, and the switch that holds it still. */
import { ActionIcon, Group, Text } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { connection, pause } from "@/live/feed";
import { counted } from "@/live/figures";
import { useStore } from "@/live/store";

export function LiveState() {
  const { link, live, paused, waiting } = useStore(connection);
  useHotkeys([["p", () => pause(!connection.get().paused)]]);
  const connected = link === "open" && live;
  const color = paused ? "retrying" : connected ? "succeeded" : "waiting";
  const word = paused ? `Paused, ${counted(waiting)} waiting` : connected ? "Live" : "Connecting …";
  const label = paused ? "Go on live (P)" : "Pause live updates (P)";
  return (
    <Group gap={6} wrap="nowrap">
      <span
        className="dot"
        data-moving={connected && !paused}
        style={{ "--dot": `var(--tm-${color})` } as React.CSSProperties}
        aria-hidden
      />
      <Text fz="xs" c="dimmed" className="num" role="status" data-testid="live-state">
        {word}
      </Text>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="sm"
        title={label}
        aria-label={label}
        aria-pressed={paused}
        onClick={() => pause(!paused)}
      >
        {paused ? <IconPlayerPlay size={15} /> : <IconPlayerPause size={15} />}
      </ActionIcon>
    </Group>
  );
}
