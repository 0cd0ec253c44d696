import { Button, Group, SegmentedControl, Stack, Text, UnstyledButton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { deliveriesQuery } from "@/api/automation";
import type { Schema } from "@/api/http";
import { clock, lasted } from "@/live/figures";
import type { ListColumn } from "@/parts/Listing";
import { Loaded } from "@/parts/Page";
import { PagedListing } from "@/parts/PagedListing";
import { Status } from "@/parts/Status";
import { When } from "@/parts/When";

type Delivery = Schema["Delivery"];
type Attempt = Schema["DeliveryAttempt"];

/** Each event on its way, with every attempt and what the receiver answered. */
export function Deliveries({ id }: { id: string }) {
  const { status, cursor } = useSearch({ from: "/inside/webhooks/$id" });
  const navigate = useNavigate({ from: "/webhooks/$id" });
  const deliveries = useQuery(deliveriesQuery(id, status ?? null, cursor ?? null));
  const [opened, setOpened] = useState<number | null>(null);
  const columns: ListColumn<Delivery>[] = [
    {
      head: "Event",
      cell: (each) => (
        <UnstyledButton
          fz="sm"
          fw={550}
          aria-expanded={opened === each.id}
          onClick={() => setOpened(opened === each.id ? null : each.id)}
        >
          {each.type}
        </UnstyledButton>
      ),
    },
    { head: "Cursor", cell: (each) => <span className="mono">{each.cursor}</span> },
    { head: "Status", cell: (each) => <Status status={each.status} /> },
    { head: "Attempts", cell: (each) => each.attempts.length, right: true },
    { head: "Answer", cell: (each) => answerOf(each.attempts.at(-1)), most: 240 },
    {
      head: "Next attempt",
      cell: (each) => (each.next_attempt_at ? <When at={each.next_attempt_at} /> : "–"),
    },
    { head: "Since", cell: (each) => <When at={each.created_at} /> },
  ];
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <SegmentedControl
          size="xs"
          aria-label="Status"
          value={status ?? ""}
          onChange={(value) => void navigate({ search: { status: value || undefined } })}
          data={[
            { value: "", label: "All" },
            { value: "pending", label: "Pending" },
            { value: "delivered", label: "Delivered" },
            { value: "failed", label: "Failed" },
          ]}
        />
        <Button variant="default" onClick={() => void deliveries.refetch()}>
          Look again
        </Button>
      </Group>
      <Loaded of={deliveries}>
        {(page) => (
          <PagedListing
            label="Deliveries"
            page={page}
            cursor={cursor}
            go={(to) => void navigate({ search: { status, cursor: to } })}
            columns={columns}
            keyOf={(each) => String(each.id)}
            empty={{
              title: status ? "None of this kind" : "Nothing was sent yet",
              text: "“Test” sends one request now; “Replay” sends again what happened before.",
            }}
            below={(each) => opened === each.id && <Attempts of={each} />}
          />
        )}
      </Loaded>
    </Stack>
  );
}

function answerOf(attempt: Attempt | undefined): string {
  if (!attempt) return "–";
  return attempt.error?.replaceAll("_", " ") ?? String(attempt.status_code);
}

function Attempts({ of }: { of: Delivery }) {
  if (of.attempts.length === 0) return <Text fz="xs">Not tried yet.</Text>;
  return (
    <Stack gap={4}>
      {of.attempts.map((attempt) => (
        <Text key={attempt.at} fz="xs" className="num">
          {clock(attempt.at)} · {answerOf(attempt)} · {lasted(attempt.duration_ms)}
          {attempt.response && (
            <Text component="span" fz="xs" c="dimmed" className="mono">
              {" "}
              {attempt.response}
            </Text>
          )}
        </Text>
      ))}
    </Stack>
  );
}
