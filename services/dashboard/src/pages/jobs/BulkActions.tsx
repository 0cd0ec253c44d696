/** Orders for many jobs: those chosen, or all that fit the filter, counted before. */
import { Button, Group, Modal, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { post, remove } from "@/api/http";
import { counted } from "@/live/figures";
import { asJobFilter, type Filter } from "@/live/filter";
import { failed, said } from "@/parts/notes";

type Op = "cancel" | "retry" | "delete";
const WORDS: Record<Op, { verb: string; done: string }> = {
  cancel: { verb: "Cancel", done: "cancelled" },
  retry: { verb: "Retry", done: "retried" },
  delete: { verb: "Delete", done: "deleted" },
};
const OPS: Op[] = ["cancel", "retry", "delete"];

async function one(op: Op, id: string): Promise<void> {
  const path = { job_id: id };
  if (op === "cancel")
    await post("/v1/jobs/{job_id}/cancel", { path, body: { reason: null, grace_s: 10 } });
  else if (op === "retry") await post("/v1/jobs/{job_id}/retry", { path });
  else await remove("/v1/jobs/{job_id}", { path });
}

async function all(
  op: Op,
  filter: Filter,
  dry_run: boolean,
): Promise<{ matched: number; more: boolean }> {
  let matched = 0;
  let cursor: string | null = null;
  do {
    const done: { matched: number; next_cursor: string | null } = await post("/v1/jobs/bulk", {
      body: { op, filter: asJobFilter(filter), dry_run, cursor },
    });
    matched += done.matched;
    cursor = done.next_cursor;
  } while (cursor && !dry_run);
  return { matched, more: cursor !== null };
}

export function BulkActions({
  filter,
  chosen,
  clear,
}: {
  filter: Filter;
  chosen: ReadonlySet<string>;
  clear: () => void;
}) {
  const client = useQueryClient();
  const [asked, setAsked] = useState<{ op: Op; count: string } | null>(null);
  const [busy, setBusy] = useState(false);
  const some = chosen.size > 0;
  const ask = async (op: Op) => {
    try {
      const found = some ? { matched: chosen.size, more: false } : await all(op, filter, true);
      setAsked({ op, count: `${counted(found.matched)}${found.more ? " and more" : ""}` });
    } catch (error) {
      failed(error, "That cannot be done with these jobs");
    }
  };
  const act = async (op: Op) => {
    setBusy(true);
    try {
      if (some) {
        const ends = await Promise.allSettled([...chosen].map((id) => one(op, id)));
        const refused = ends.filter((each) => each.status === "rejected");
        said(
          `${ends.length - refused.length} jobs ${WORDS[op].done}${refused.length ? `, ${refused.length} refused` : ""}.`,
        );
      } else {
        const done = await all(op, filter, false);
        said(`${counted(done.matched)} jobs ${WORDS[op].done}.`);
      }
      clear();
      if (op === "delete") await client.invalidateQueries({ queryKey: ["jobs"] });
      setAsked(null);
    } catch (error) {
      failed(error, "Not all of it was done");
    } finally {
      setBusy(false);
    }
  };
  return (
    <Group gap="xs">
      <Text fz="sm" c="dimmed" miw={130} className="num">
        {some ? `${chosen.size} chosen` : "All that fit the filter"}
      </Text>
      {OPS.map((op) => (
        <Button key={op} variant="default" size="compact-xs" onClick={() => void ask(op)}>
          {WORDS[op].verb} …
        </Button>
      ))}
      <Modal
        opened={asked !== null}
        onClose={() => setAsked(null)}
        title={asked ? `${WORDS[asked.op].verb} jobs` : ""}
      >
        {asked && (
          <>
            <Text fz="sm">
              {WORDS[asked.op].verb} <b className="num">{asked.count}</b> jobs
              {some ? " that are chosen?" : " that fit the filter now?"}
            </Text>
            <Group justify="flex-end" mt="md">
              <Button variant="default" onClick={() => setAsked(null)} data-autofocus>
                Leave them
              </Button>
              <Button
                color={asked.op === "retry" ? "tide" : "red.8"}
                loading={busy}
                disabled={asked.count === "0"}
                onClick={() => void act(asked.op)}
              >
                {WORDS[asked.op].verb} {asked.count}
              </Button>
            </Group>
          </>
        )}
      </Modal>
    </Group>
  );
}
