/** What a job said: the kept lines first, then each line as it comes. */
import { Checkbox, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { get } from "@/api/http";
import { followLines } from "@/live/feed";
import { clock, counted } from "@/live/figures";
import type { LogLine } from "@/live/frames";
import { mergeLines } from "@/live/loglines";
import { Empty, Loaded } from "@/parts/Page";
import { Scroller } from "@/parts/Scroller";

const PAGE = 1000;
const MOST_PAGES = 5;

async function kept(id: string, signal: AbortSignal): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  let after: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer = await get("/v1/jobs/{job_id}/logs", {
      path: { job_id: id },
      query: { limit: PAGE, ...(after && { after }) } as never,
      signal,
    });
    lines.push(...answer.items);
    if (!answer.next_cursor) break;
    after = answer.next_cursor;
  }
  return lines;
}

export function Logs({ jobId }: { jobId: string }) {
  const before = useQuery({
    queryKey: ["logs", jobId],
    queryFn: ({ signal }) => kept(jobId, signal),
    staleTime: 0,
  });
  const [live, setLive] = useState<LogLine[]>([]);
  const [skipped, setSkipped] = useState(0);
  const [follow, setFollow] = useState(true);
  const box = useRef<HTMLElement>(null);
  useEffect(
    () =>
      followLines(jobId, (lines, left) => {
        setLive((now) => mergeLines(now, lines));
        setSkipped((now) => now + left);
      }),
    [jobId],
  );
  const lines = useMemo(() => mergeLines(before.data ?? [], live), [before.data, live]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new line moves the view
  useEffect(() => {
    if (follow && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines, follow]);
  return (
    <div className="panel">
      <Group px="sm" py={6} justify="space-between">
        <Text fz="xs" c="dimmed" className="num">
          {counted(lines.length)} {lines.length === 1 ? "line" : "lines"}
          {skipped > 0 && `, ${skipped} too many to show live`}
        </Text>
        <Checkbox
          size="xs"
          label="Follow"
          checked={follow}
          onChange={(event) => setFollow(event.currentTarget.checked)}
        />
      </Group>
      <Loaded of={before}>
        {() =>
          lines.length === 0 ? (
            <Empty title="It has said nothing yet" />
          ) : (
            <Scroller label="Log" of={box} style={{ maxHeight: 480, paddingBottom: 8 }}>
              {lines.map((line) => (
                <div
                  key={`${line.attempt}-${line.step}-${line.number}`}
                  className="log-line"
                  data-level={line.level}
                >
                  <Text component="span" inherit c="dimmed">
                    {clock(line.at)}
                  </Text>
                  <Text component="span" inherit c="dimmed" className="truncate">
                    {line.step}
                  </Text>
                  <span className="log-text">
                    {line.text}
                    {line.fields &&
                      Object.entries(line.fields).map(
                        ([key, value]) => `  ${key}=${JSON.stringify(value)}`,
                      )}
                  </span>
                </div>
              ))}
            </Scroller>
          )
        }
      </Loaded>
    </div>
  );
}
