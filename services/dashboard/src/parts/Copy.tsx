/** Copying that also works where the browser gives no clipboard, as over plain HTTP. */
import { ActionIcon, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useState } from "react";

async function copy(text: string): Promise<void> {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

export function Copy({ text, label }: { text: string; label: string }) {
  const [done, setDone] = useState(false);
  const copied = async () => {
    await copy(text);
    setDone(true);
    setTimeout(() => setDone(false), 1200);
  };
  return (
    <Tooltip label={done ? "Copied" : label}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="sm"
        aria-label={label}
        onClick={() => void copied()}
      >
        {done ? <IconCheck size={14} /> : <IconCopy size={14} />}
      </ActionIcon>
    </Tooltip>
  );
}

export function Id({ id, label = "Copy the id" }: { id: string; label?: string }) {
  return (
    <span style={{ display: "inline-flex", alignItems: "center", gap: 2 }}>
      <span className="mono" title={id}>
        {id.slice(-8)}
      </span>
      <Copy text={id} label={label} />
    </span>
  );
}
