/** The log as it grows, and again from any of its places. */
import { Button, Group, Stack, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { get } from "@/api/http";
import { tail } from "@/live/feed";
import type { Placed } from "@/live/frames";
import { useStore } from "@/live/store";
import { EventTable } from "@/pages/events/EventTable";
import { Empty, Loaded, PageHead } from "@/parts/Page";

const PAGE = 200;
const SHOWN = 300;

export function Events() {
  const { after, types } = useSearch({ from: "/inside/events" });
  const navigate = useNavigate({ from: "/events" });
  const [kinds, setKinds] = useState(types ?? "");
  const [from, setFrom] = useState(after ?? "");
  const show = (cursor: string | undefined) =>
    void navigate({ search: { after: cursor || undefined, types: kinds.trim() || undefined } });
  return (
    <>
      <PageHead
        title="Events"
        under={after === undefined ? "Live, newest first" : `Replayed from ${after}`}
      />
      <Stack gap="sm">
        <Group align="flex-end" gap="xs">
          <TextInput
            label="Types"
            placeholder="job.failed,dataset.*"
            value={kinds}
            onChange={(event) => setKinds(event.currentTarget.value)}
          />
          <TextInput
            label="From the cursor"
            placeholder="1.0"
            value={from}
            onChange={(event) => setFrom(event.currentTarget.value)}
          />
          <Button onClick={() => show(from || "start")}>Replay</Button>
          <Button variant="default" onClick={() => show(undefined)}>
            Live
          </Button>
        </Group>
        {after === undefined ? (
          <Tail types={types} />
        ) : (
          <Replay key={`${after} ${types}`} after={after} types={types} go={show} />
        )}
      </Stack>
    </>
  );
}

function fits(types: string | undefined, type: string): boolean {
  if (!types) return true;
  return types
    .split(",")
    .some((each) => each === type || (each.endsWith(".*") && type.startsWith(each.slice(0, -1))));
}

function Tail({ types }: { types: string | undefined }) {
  const all = useStore(tail);
  const newest = useMemo(
    () =>
      all
        .filter((each) => fits(types, each.event.type))
        .slice(-SHOWN)
        .reverse(),
    [all, types],
  );
  if (newest.length === 0) {
    return (
      <div className="panel">
        <Empty title="Nothing has happened since you came">
          Events appear here as they happen; a replay shows older ones.
        </Empty>
      </div>
    );
  }
  return <EventTable items={newest} />;
}

function Replay({
  after,
  types,
  go,
}: {
  after: string;
  types: string | undefined;
  go: (cursor: string) => void;
}) {
  const page = useQuery({
    queryKey: ["replay", after, types],
    queryFn: async ({ signal }) => {
      const query = {
        limit: PAGE,
        ...(after !== "start" && { after }),
        ...(types && { types: types.split(",") }),
      };
      return await get("/v1/events", { query: query as never, signal });
    },
  });
  return (
    <Loaded of={page}>
      {(found) => (
        <>
          <EventTable items={found.items as unknown as Placed[]} />
          <Group justify="flex-end">
            <Button
              variant="default"
              disabled={!found.next_cursor}
              onClick={() => found.next_cursor && go(found.next_cursor)}
            >
              Later
            </Button>
          </Group>
        </>
      )}
    </Loaded>
  );
}
