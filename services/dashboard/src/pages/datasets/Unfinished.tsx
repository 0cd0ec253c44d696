import { Group, Progress, Stack, Text } from "@mantine/core";
import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { get } from "@/api/http";
import { sized } from "@/live/figures";
import { discard } from "@/pages/datasets/parts";
import { ConfirmButton } from "@/parts/Confirm";
import { Panel } from "@/parts/Panel";
import { When } from "@/parts/When";

export const unfinishedQuery = queryOptions({
  queryKey: ["uploads"],
  queryFn: async ({ signal }) =>
    (await get("/v1/uploads", { query: { status: "uploading", limit: 20 }, signal })).items,
});

/** Uploads in parts that stopped: the same file goes on where it was. */
export function Unfinished({ but }: { but: ReadonlySet<string> }) {
  const uploads = useQuery(unfinishedQuery);
  const client = useQueryClient();
  const stopped = (uploads.data ?? []).filter((each) => !but.has(each.fingerprint ?? ""));
  if (stopped.length === 0) return null;
  return (
    <Panel title="Unfinished uploads">
      <Stack gap={8}>
        <Text fz="xs" c="dimmed">
          Choose the same file again above: it goes on where it stopped.
        </Text>
        {stopped.map((each) => (
          <div key={each.id} data-unfinished={each.name}>
            <Group justify="space-between" wrap="nowrap" gap="xs">
              <Text fz="sm" className="truncate" flex={1}>
                {each.name}
              </Text>
              <Text fz="xs" c="dimmed" className="num">
                {sized(each.stored_bytes)} of {sized(each.size_bytes)} · ends{" "}
                <When at={each.expires_at} />
              </Text>
              <ConfirmButton
                size="compact-xs"
                label="Discard"
                aria-label={`Discard ${each.name}`}
                confirm="Discard the upload"
                question="What has arrived of it is deleted."
                act={async () => {
                  await discard(each.id);
                  await client.invalidateQueries({ queryKey: unfinishedQuery.queryKey });
                }}
              />
            </Group>
            <Progress
              size="xs"
              mt={3}
              value={(100 * (each.stored_bytes ?? 0)) / Math.max(1, each.size_bytes)}
              aria-label={`What has arrived of ${each.name}`}
            />
          </div>
        ))}
      </Stack>
    </Panel>
  );
}
