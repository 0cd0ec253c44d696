/** Where events are sent. */
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { webhooksQuery } from "@/api/automation";
import { post, type Schema } from "@/api/http";
import { counted } from "@/live/figures";
import { statusOf } from "@/pages/webhooks/status";
import { WebhookForm, type WebhookOrder } from "@/pages/webhooks/WebhookForm";
import type { ListColumn } from "@/parts/Listing";
import { Loaded, PageHead } from "@/parts/Page";
import { PagedListing } from "@/parts/PagedListing";
import { SecretModal } from "@/parts/Secret";
import { Status } from "@/parts/Status";
import { When } from "@/parts/When";

type Webhook = Schema["Webhook"];

const COLUMNS: ListColumn<Webhook>[] = [
  {
    head: "Address",
    most: 360,
    cell: (each) => (
      <Link to="/webhooks/$id" params={{ id: each.id }} className="name">
        {each.url}
      </Link>
    ),
  },
  {
    head: "Status",
    cell: (each) => <Status status={statusOf(each)} why={each.disabled_reason} />,
  },
  { head: "Events", cell: (each) => each.types?.join(", ") ?? "all", most: 240 },
  { head: "Waiting", cell: (each) => counted(each.pending), right: true },
  { head: "Description", cell: (each) => each.description || "–", most: 240 },
  { head: "Made", cell: (each) => <When at={each.created_at} /> },
];

export function Webhooks() {
  const { cursor } = useSearch({ from: "/inside/webhooks" });
  const navigate = useNavigate({ from: "/webhooks" });
  const client = useQueryClient();
  const webhooks = useQuery(webhooksQuery(cursor ?? null));
  const [opened, { open, close }] = useDisclosure(false);
  const [secret, setSecret] = useState<string | null>(null);
  const make = async (order: WebhookOrder) => {
    const made = await post("/v1/webhooks", { body: order });
    setSecret(made.secret ?? null);
    await client.invalidateQueries({ queryKey: ["webhooks"] });
  };
  return (
    <>
      <PageHead title="Webhooks" under="Events, sent to your own servers and signed">
        <Button onClick={open}>New webhook</Button>
      </PageHead>
      <Loaded of={webhooks} height={240}>
        {(page) => (
          <PagedListing
            label="Webhooks"
            page={page}
            cursor={cursor}
            go={(to) => void navigate({ search: { cursor: to } })}
            columns={COLUMNS}
            keyOf={(each) => each.id}
            empty={{
              title: "No webhooks yet",
              text: "“New webhook” sends events to an address as they happen.",
            }}
          />
        )}
      </Loaded>
      {opened && <WebhookForm webhook={null} opened close={close} save={make} />}
      <SecretModal
        title="The webhook's secret"
        secret={secret}
        note="Your server checks the signatures with it."
        close={() => setSecret(null)}
      />
    </>
  );
}
