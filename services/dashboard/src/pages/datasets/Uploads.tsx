/** Where files are dropped, and how far each of them is. */
import { Anchor, Group, Progress, Stack, Text, UnstyledButton } from "@mantine/core";
import { Dropzone } from "@mantine/dropzone";
import { IconUpload } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { told } from "@/api/problem";
import { sized } from "@/live/figures";
import { fingerprintOf, IN_PARTS_BYTES, uploadInParts } from "@/pages/datasets/parts";
import { Unfinished, unfinishedQuery } from "@/pages/datasets/Unfinished";
import { type Sending, upload } from "@/pages/datasets/upload";
import { Panel } from "@/parts/Panel";

interface Item {
  key: number;
  file: File;
  share: number;
  id: string | null;
  error: string | null;
  sending: Sending;
}

let next = 0;

export function Uploads() {
  const [items, setItems] = useState<Item[]>([]);
  const client = useQueryClient();
  const take = (file: File) => {
    const key = next++;
    const change = (part: Partial<Item>) =>
      setItems((before) => before.map((each) => (each.key === key ? { ...each, ...part } : each)));
    const send = file.size > IN_PARTS_BYTES ? uploadInParts : upload;
    const sending = send(file, (share) => change({ share }));
    setItems((before) => [{ key, file, share: 0, id: null, error: null, sending }, ...before]);
    sending.done.then(
      (dataset) => {
        change({ id: dataset.id, share: 1 });
        void client.invalidateQueries({ queryKey: unfinishedQuery.queryKey });
      },
      (error: unknown) => {
        change({ error: told(error) });
        void client.invalidateQueries({ queryKey: unfinishedQuery.queryKey });
      },
    );
  };
  const sendingNow = new Set(
    items.filter((item) => !item.error).map((item) => fingerprintOf(item.file)),
  );
  return (
    <Stack gap="sm">
      <Dropzone
        onDrop={(files) => files.forEach(take)}
        inputProps={{ "aria-label": "Upload files" }}
        aria-label="Upload files"
      >
        <Group justify="center" gap="sm" mih={56} style={{ pointerEvents: "none" }}>
          <IconUpload size={20} stroke={1.6} aria-hidden />
          <Text fz="sm">
            Drop files here, or click: CSV, JSON, NDJSON or Parquet, also as gzip or zstd
          </Text>
        </Group>
      </Dropzone>
      <Unfinished but={sendingNow} />
      {items.length > 0 && (
        <Panel title="Uploads">
          <Stack gap={8}>
            {items.map((item) => (
              <div key={item.key}>
                <Group justify="space-between" wrap="nowrap" gap="xs">
                  <Text fz="sm" className="truncate">
                    {item.id ? (
                      <Anchor component={Link} to={`/datasets/${item.id}`}>
                        {item.file.name}
                      </Anchor>
                    ) : (
                      item.file.name
                    )}
                  </Text>
                  <Text fz="xs" c="dimmed" className="num">
                    {item.error ?? `${Math.round(100 * item.share)} % of ${sized(item.file.size)}`}
                  </Text>
                  {!item.id && !item.error && (
                    <UnstyledButton fz="xs" td="underline" onClick={item.sending.abort}>
                      Stop
                    </UnstyledButton>
                  )}
                </Group>
                <Progress
                  size="xs"
                  mt={3}
                  value={100 * item.share}
                  color={item.error ? "red" : "tide"}
                  aria-label={`Upload of ${item.file.name}`}
                />
              </div>
            ))}
          </Stack>
        </Panel>
      )}
    </Stack>
  );
}
