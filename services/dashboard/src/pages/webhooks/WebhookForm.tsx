import { Select, TagsInput, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Schema } from "@/api/http";
import { FormModal } from "@/parts/FormModal";
import { useOrder } from "@/parts/order";

const COMMON = ["job.*", "job.succeeded", "job.failed", "dataset.*", "dataset.ready", "schedule.*"];

export interface WebhookOrder {
  url: string;
  types: string[] | null;
  description: string;
  after?: string;
}

/** Where events go, and which. */
export function WebhookForm({
  webhook,
  opened,
  close,
  save,
}: {
  webhook: Schema["Webhook"] | null;
  opened: boolean;
  close: () => void;
  save: (order: WebhookOrder) => Promise<unknown>;
}) {
  const order = useOrder(["url", "types", "description", "after"]);
  const [url, setUrl] = useState(webhook?.url ?? "");
  const [types, setTypes] = useState<string[]>(webhook?.types ?? []);
  const [description, setDescription] = useState(webhook?.description ?? "");
  const [after, setAfter] = useState("now");
  const act = () =>
    save({
      url: url.trim(),
      types: types.length ? types : null,
      description,
      ...(!webhook && { after }),
    });
  return (
    <FormModal
      title={webhook ? "Edit the webhook" : "New webhook"}
      button={webhook ? "Store" : "Make the webhook"}
      {...{ opened, close, order, act }}
    >
      <TextInput
        label="Address"
        placeholder="https://example.org/tidemill"
        type="url"
        required
        data-autofocus
        value={url}
        error={order.at("url")}
        onChange={(event) => setUrl(event.currentTarget.value)}
      />
      <TagsInput
        label="Events"
        description="None: all of them"
        placeholder={types.length ? "" : "job.failed"}
        data={COMMON}
        value={types}
        error={order.at("types")}
        onChange={setTypes}
      />
      <TextInput
        label="Description"
        value={description}
        error={order.at("description")}
        onChange={(event) => setDescription(event.currentTarget.value)}
      />
      {!webhook && (
        <Select
          label="From"
          allowDeselect={false}
          data={[
            { value: "now", label: "Now on" },
            { value: "start", label: "The oldest event that is kept" },
          ]}
          value={after}
          error={order.at("after")}
          onChange={(value) => setAfter(value ?? "now")}
        />
      )}
    </FormModal>
  );
}
