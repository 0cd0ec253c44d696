/** A webhook: how it is doing, and what became of each event. */
import { Alert, Button, Group, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { webhookQuery } from "@/api/automation";
import { patch, post, remove, type Schema } from "@/api/http";
import { counted, lasted } from "@/live/figures";
import { Deliveries } from "@/pages/webhooks/Deliveries";
import { statusOf } from "@/pages/webhooks/status";
import { WebhookForm } from "@/pages/webhooks/WebhookForm";
import { ConfirmButton } from "@/parts/Confirm";
import { Id } from "@/parts/Copy";
import { failed, said } from "@/parts/notes";
import { Loaded, PageHead } from "@/parts/Page";
import { SecretModal } from "@/parts/Secret";
import { Status } from "@/parts/Status";
import { When } from "@/parts/When";

export function WebhookPage() {
  const { id } = useParams({ from: "/inside/webhooks/$id" });
  const webhook = useQuery(webhookQuery(id));
  return <Loaded of={webhook}>{(found) => <Shown webhook={found} />}</Loaded>;
}

function Shown({ webhook }: { webhook: Schema["Webhook"] }) {
  return (
    <>
      <PageHead
        title={webhook.url}
        under={
          <Group gap="sm" mt={2}>
            <Status status={statusOf(webhook)} why={webhook.disabled_reason} />
            <Id id={webhook.id} />
            <span>{webhook.types?.join(", ") ?? "all events"}</span>
            <span className="num">{counted(webhook.pending)} waiting</span>
            <span>
              read up to <span className="mono">{webhook.cursor}</span>
            </span>
          </Group>
        }
      >
        <Orders webhook={webhook} />
      </PageHead>
      <Stack gap="sm">
        {webhook.failing_since && (
          <Alert variant="default" py="xs" title="It does not take what it is sent">
            Since <When at={webhook.failing_since} />; each event is tried again for a day.
          </Alert>
        )}
        <Deliveries id={webhook.id} />
      </Stack>
    </>
  );
}

function Orders({ webhook }: { webhook: Schema["Webhook"] }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const [opened, { open, close }] = useDisclosure(false);
  const [secret, setSecret] = useState<string | null>(null);
  const [after, setAfter] = useState("start");
  const path = { webhook_id: webhook.id };
  const again = async () => {
    await client.invalidateQueries({ queryKey: ["webhook", webhook.id] });
    await client.invalidateQueries({ queryKey: ["deliveries", webhook.id] });
  };
  const change = async (body: object) => {
    await patch("/v1/webhooks/{webhook_id}", { path, body: body as never });
    await again();
  };
  const test = async () => {
    try {
      const attempt = await post("/v1/webhooks/{webhook_id}/test", { path });
      const took = lasted(attempt.duration_ms);
      if (attempt.error) failed(new Error(attempt.error.replaceAll("_", " ")), "No answer");
      else said(`It answered ${attempt.status_code} after ${took}.`);
    } catch (error) {
      failed(error, "It could not be tested");
    }
  };
  const rotate = async () => {
    const made = await post("/v1/webhooks/{webhook_id}/rotate", { path, body: {} });
    setSecret(made.secret);
  };
  const replay = async () => {
    await post("/v1/webhooks/{webhook_id}/replay", { path, body: { after } });
    await again();
  };
  const forget = async () => {
    await remove("/v1/webhooks/{webhook_id}", { path });
    await navigate({ to: "/webhooks", search: {} });
    await client.invalidateQueries({ queryKey: ["webhooks"] });
  };
  return (
    <>
      <Button onClick={() => void test()}>Test</Button>
      <Button variant="default" onClick={open}>
        Edit
      </Button>
      <ConfirmButton
        label={webhook.enabled ? "Switch off" : "Switch on"}
        confirm={webhook.enabled ? "Switch it off" : "Switch it on"}
        question={
          webhook.enabled
            ? "Nothing is sent until it is switched on; what happens meanwhile waits in the log."
            : "It gets what happened since it was switched off."
        }
        act={() => change({ enabled: !webhook.enabled })}
      />
      <ConfirmButton
        label="Replay"
        confirm="Send it again"
        question="What came after a cursor is sent again, in order."
        act={replay}
      >
        <TextInput
          mt="sm"
          label="After the cursor"
          description="“start” is the oldest event that is kept"
          value={after}
          onChange={(event) => setAfter(event.currentTarget.value)}
        />
      </ConfirmButton>
      <ConfirmButton
        label="New secret"
        confirm="Make a new secret"
        question="For a day the secret of now signs beside the new one."
        act={rotate}
      />
      <ConfirmButton
        label="Delete"
        confirm="Delete the webhook"
        question="Nothing is sent any more, what waits neither. This cannot be undone."
        act={forget}
      />
      {opened && <WebhookForm webhook={webhook} opened close={close} save={change} />}
      <SecretModal
        title="The new secret"
        secret={secret}
        note="Your server checks the signatures with it."
        close={() => setSecret(null)}
      />
    </>
  );
}
