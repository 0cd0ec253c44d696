/** Where one is signed in. */
import { Badge, Button, Group, PasswordInput, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { sessionsQuery } from "@/api/account";
import { post, remove, type Schema } from "@/api/http";
import { forget } from "@/api/session";
import { browserOf } from "@/pages/account/browser";
import { ConfirmButton } from "@/parts/Confirm";
import { FormModal } from "@/parts/FormModal";
import { type ListColumn, Listing } from "@/parts/Listing";
import { said } from "@/parts/notes";
import { useOrder } from "@/parts/order";
import { Loaded, PageHead } from "@/parts/Page";
import { When } from "@/parts/When";

type OpenSession = Schema["OpenSession"];

export function Sessions() {
  const sessions = useQuery(sessionsQuery);
  const client = useQueryClient();
  const [opened, { open, close }] = useDisclosure(false);
  const end = async (session: OpenSession) => {
    await remove("/v1/sessions/{session_id}", { path: { session_id: session.id } });
    if (session.current) forget();
    else await client.invalidateQueries({ queryKey: sessionsQuery.queryKey });
  };
  const endOthers = async () => {
    await remove("/v1/sessions");
    await client.invalidateQueries({ queryKey: sessionsQuery.queryKey });
  };
  const columns: ListColumn<OpenSession>[] = [
    {
      head: "Browser or program",
      most: 340,
      cell: (session) => (
        <Group gap="xs" wrap="nowrap">
          <Text fz="sm" className="truncate" title={session.user_agent ?? undefined}>
            {browserOf(session.user_agent)}
          </Text>
          {session.current && <Badge size="sm">this one</Badge>}
        </Group>
      ),
    },
    { head: "Address", cell: (session) => <span className="mono">{session.address}</span> },
    { head: "Signed in", cell: (session) => <When at={session.created_at} /> },
    { head: "Last used", cell: (session) => <When at={session.last_used_at} /> },
    { head: "Ends", cell: (session) => <When at={session.expires_at} /> },
    {
      head: "Orders",
      quiet: true,
      cell: (session) => (
        <ConfirmButton
          size="compact-xs"
          label="Sign out"
          confirm="End the session"
          question={
            session.current ? "You are signed out here." : "Whoever uses it must sign in again."
          }
          act={() => end(session)}
        />
      ),
    },
  ];
  return (
    <>
      <PageHead title="Sessions" under="Where you are signed in">
        <Button variant="default" onClick={open}>
          Change the password
        </Button>
        <ConfirmButton
          label="Sign out elsewhere"
          confirm="End the other sessions"
          question="All your sessions but this one end. API keys stay."
          act={endOthers}
        />
      </PageHead>
      <Loaded of={sessions}>
        {(items) => (
          <div className="panel">
            <Listing
              label="Sessions"
              items={items}
              columns={columns}
              keyOf={(session) => session.id}
              empty={{ title: "No sessions", text: "Sign in with a browser to open one." }}
            />
          </div>
        )}
      </Loaded>
      <NewPassword opened={opened} close={close} />
    </>
  );
}

function NewPassword({ opened, close }: { opened: boolean; close: () => void }) {
  const order = useOrder(["old_password", "new_password"]);
  const client = useQueryClient();
  const [before, setBefore] = useState("");
  const [after, setAfter] = useState("");
  const act = async () => {
    await post("/v1/me/password", { body: { old_password: before, new_password: after } });
    setBefore("");
    setAfter("");
    said("The password is changed; other sessions have ended.");
    await client.invalidateQueries({ queryKey: sessionsQuery.queryKey });
  };
  return (
    <FormModal title="Change the password" button="Change it" {...{ opened, close, order, act }}>
      <PasswordInput
        label="Password until now"
        autoComplete="current-password"
        required
        data-autofocus
        value={before}
        error={order.at("old_password")}
        onChange={(event) => setBefore(event.currentTarget.value)}
      />
      <PasswordInput
        label="New password"
        description="8 characters or more"
        autoComplete="new-password"
        minLength={8}
        required
        value={after}
        error={order.at("new_password")}
        onChange={(event) => setAfter(event.currentTarget.value)}
      />
    </FormModal>
  );
}
