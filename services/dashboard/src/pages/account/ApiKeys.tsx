/** Keys for programs. */
import { Button, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { apiKeysQuery } from "@/api/account";
import { post, remove, type Schema } from "@/api/http";
import { RoleSelect } from "@/pages/account/RoleSelect";
import { ConfirmButton } from "@/parts/Confirm";
import { FormModal } from "@/parts/FormModal";
import { type ListColumn, Listing } from "@/parts/Listing";
import { useOrder } from "@/parts/order";
import { Loaded, PageHead } from "@/parts/Page";
import { SecretModal } from "@/parts/Secret";
import { When } from "@/parts/When";

type ApiKey = Schema["ApiKey"];

export function ApiKeys() {
  const keys = useQuery(apiKeysQuery);
  const client = useQueryClient();
  const [opened, { open, close }] = useDisclosure(false);
  const [secret, setSecret] = useState<string | null>(null);
  const again = () => client.invalidateQueries({ queryKey: apiKeysQuery.queryKey });
  const made = async (key: ApiKey) => {
    setSecret(key.key ?? null);
    await again();
  };
  const revoke = async (id: string) => {
    await remove("/v1/api-keys/{key_id}", { path: { key_id: id } });
    await again();
  };
  const columns: ListColumn<ApiKey>[] = [
    { head: "Name", cell: (key) => key.name, most: 260 },
    { head: "Key", cell: (key) => <span className="mono">{key.prefix}…</span> },
    { head: "Role", cell: (key) => key.role },
    { head: "Made", cell: (key) => <When at={key.created_at} /> },
    {
      head: "Last used",
      cell: (key) => (key.last_used_at ? <When at={key.last_used_at} /> : "never"),
    },
    { head: "Ends", cell: (key) => (key.expires_at ? <When at={key.expires_at} /> : "never") },
    {
      head: "Orders",
      quiet: true,
      cell: (key) => (
        <ConfirmButton
          size="compact-xs"
          label="Revoke"
          aria-label={`Revoke ${key.name}`}
          confirm="Revoke the key"
          question={`Whatever uses “${key.name}” is refused within seconds. This cannot be undone.`}
          act={() => revoke(key.id)}
        />
      ),
    },
  ];
  return (
    <>
      <PageHead title="API keys" under="For programs: sent as the bearer token">
        <Button onClick={open}>New key</Button>
      </PageHead>
      <Loaded of={keys}>
        {(items) => (
          <div className="panel">
            <Listing
              label="API keys"
              items={items}
              columns={columns}
              keyOf={(key) => key.id}
              empty={{
                title: "No keys yet",
                text: "Make one for each program that calls the API.",
              }}
            />
          </div>
        )}
      </Loaded>
      <NewKey opened={opened} close={close} made={made} />
      <SecretModal
        title="The new key"
        secret={secret}
        note="Copy the key into the program's settings."
        close={() => setSecret(null)}
      />
    </>
  );
}

function NewKey({
  opened,
  close,
  made,
}: {
  opened: boolean;
  close: () => void;
  made: (key: ApiKey) => Promise<void>;
}) {
  const order = useOrder(["name", "role", "expires_at"]);
  const [name, setName] = useState("");
  const [role, setRole] = useState<Schema["Role"]>("operator");
  const [ends, setEnds] = useState("");
  const act = async () => {
    const expires_at = ends ? new Date(ends).toISOString() : null;
    await made(await post("/v1/api-keys", { body: { name, role, expires_at } }));
    setName("");
    setEnds("");
  };
  return (
    <FormModal title="New key" button="Make the key" {...{ opened, close, order, act }}>
      <TextInput
        label="Name"
        description="Which program it is for"
        required
        data-autofocus
        value={name}
        error={order.at("name")}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <RoleSelect role={role} error={order.at("role")} choose={setRole} />
      <TextInput
        label="Ends"
        description="Empty: never"
        type="datetime-local"
        value={ends}
        error={order.at("expires_at")}
        onChange={(event) => setEnds(event.currentTarget.value)}
      />
    </FormModal>
  );
}
