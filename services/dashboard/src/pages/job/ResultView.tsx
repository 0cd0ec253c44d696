/** What a job gave: its value drawn where it is known how, its table's first rows, and downloads. */
import { Button, Group, Select, Stack, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { getValue } from "@/api/http";
import { valueQuery } from "@/api/queries";
import { counted, sized } from "@/live/figures";
import { hasEnded, type Job, type Step } from "@/live/jobs";
import { FramePreview } from "@/pages/job/FramePreview";
import { KnownValue } from "@/pages/job/KnownValue";
import { JsonBlock } from "@/parts/JsonBlock";
import { failed, said } from "@/parts/notes";
import { Empty, Loaded } from "@/parts/Page";
import { Panel } from "@/parts/Panel";

const ORIGINAL = "original";
const FORMATS = ["csv", "json", "ndjson", "parquet"];

export function ResultView({ job, past }: { job: Job; past: boolean }) {
  const done = job.steps.filter((step) => step.result);
  const [chosen, setChosen] = useState<string | null>(null);
  const step = done.find((each) => each.name === chosen) ?? done.at(-1);
  if (!step?.result) {
    return (
      <div className="panel">
        <Empty title={hasEnded(job) ? "It gave nothing" : "Nothing yet"}>
          {hasEnded(job)
            ? "No step kept an output."
            : "Each step's output appears as soon as it is kept."}
        </Empty>
      </div>
    );
  }
  return (
    <Stack gap="sm">
      {done.length > 1 && (
        <Select
          size="xs"
          label="Output of"
          data={done.map((each) => each.name)}
          value={step.name}
          onChange={setChosen}
          allowDeselect={false}
          w={220}
        />
      )}
      <Output key={step.name} job={job} step={step} past={past} />
    </Stack>
  );
}

function Output({ job, step, past }: { job: Job; step: Step; past: boolean }) {
  const { result } = step;
  if (!result) return null;
  const uri = `/v1/jobs/${job.id}/steps/${encodeURIComponent(step.name)}/result`;
  const isFrame = result.rows !== undefined;
  const inline = result.value !== undefined;
  return (
    <>
      {inline && <KnownValue processor={step.processor} value={result.value} />}
      {!inline && !isFrame && <StoredValue uri={uri} processor={step.processor} />}
      {isFrame && !past && (
        <Panel
          title={`${counted(result.rows)} rows × ${counted(result.columns)} columns`}
          aside={<Downloads uri={uri} size={result.size_bytes} />}
          flush
        >
          <FramePreview uri={uri} />
        </Panel>
      )}
      {inline && (
        <Panel title="Value" flush>
          <JsonBlock value={result.value} label="Value" />
        </Panel>
      )}
    </>
  );
}

function StoredValue({ uri, processor }: { uri: string; processor: string }) {
  const value = useQuery(valueQuery<unknown>(uri));
  return (
    <Loaded of={value}>
      {(data) => (
        <>
          <KnownValue processor={processor} value={data} />
          <Panel title="Value" flush>
            <JsonBlock value={data} label="Value" />
          </Panel>
        </>
      )}
    </Loaded>
  );
}

export function Downloads({
  uri,
  size,
  original = false,
}: {
  uri: string;
  size?: number | null;
  /** Whether there are bytes as they were uploaded. */
  original?: boolean;
}) {
  const fetchOne = async (format: string) => {
    try {
      const asked = format === ORIGINAL ? "" : `format=${format}&`;
      const link = await getValue<{ uri?: string }>(`${uri}?${asked}redirect=false`);
      if (link.uri) location.assign(link.uri);
      else said("The file is being made; ask again in a moment.");
    } catch (error) {
      failed(error, "The file cannot be had");
    }
  };
  return (
    <Group gap={4}>
      <Text fz="xs" c="dimmed" visibleFrom="sm">
        {sized(size)}
      </Text>
      {(original ? [ORIGINAL, ...FORMATS] : FORMATS).map((format, place) => (
        <Button
          key={format}
          size="compact-xs"
          variant="subtle"
          leftSection={place === 0 ? <IconDownload size={13} /> : undefined}
          onClick={() => void fetchOne(format)}
        >
          {format}
        </Button>
      ))}
    </Group>
  );
}
