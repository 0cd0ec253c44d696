/** Who belongs to the tenant, and who is asked to. */
import { Badge, Button, Group, Select, Stack } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { membersQuery } from "@/api/account";
import { patch, post, remove, type Schema } from "@/api/http";
import { meQuery } from "@/api/queries";
import { Invitations } from "@/pages/account/Invitations";
import { Invite } from "@/pages/account/Invite";
import { ROLES } from "@/pages/account/roles";
import { ConfirmButton } from "@/parts/Confirm";
import { type ListColumn, Listing } from "@/parts/Listing";
import { failed, said } from "@/parts/notes";
import { Loaded, PageHead } from "@/parts/Page";
import { Panel } from "@/parts/Panel";
import { SecretModal } from "@/parts/Secret";
import { When } from "@/parts/When";

type Member = Schema["Member"];

export function Members() {
  const members = useQuery(membersQuery);
  const me = useQuery(meQuery);
  const client = useQueryClient();
  const [opened, { open, close }] = useDisclosure(false);
  const [link, setLink] = useState<{ title: string; url: string } | null>(null);
  const again = () => client.invalidateQueries({ queryKey: membersQuery.queryKey });
  const change = async (member: Member, role: Schema["Role"]) => {
    try {
      await patch("/v1/members/{user_id}", { path: { user_id: member.id }, body: { role } });
      said(`${member.email} is ${role} now.`);
    } catch (error) {
      failed(error, "The role stays as it is");
    }
    await again();
  };
  const leave = async (member: Member) => {
    await remove("/v1/members/{user_id}", { path: { user_id: member.id } });
    await again();
  };
  const reset = async (member: Member) => {
    const made = await post("/v1/users/{user_id}/reset", { path: { user_id: member.id } });
    setLink({ title: `A new password for ${member.email}`, url: made.url });
  };
  const columns: ListColumn<Member>[] = [
    {
      head: "E-mail",
      most: 300,
      cell: (member) => (
        <Group gap="xs" wrap="nowrap">
          {member.email}
          {member.id === me.data?.id && <Badge size="sm">you</Badge>}
          {member.system_admin && <Badge size="sm">system</Badge>}
        </Group>
      ),
    },
    {
      head: "Role",
      cell: (member) => (
        <Select
          size="xs"
          w={120}
          aria-label={`Role of ${member.email}`}
          allowDeselect={false}
          data={ROLES.map(({ value }) => value)}
          value={member.role}
          onChange={(role) => role && void change(member, role as Schema["Role"])}
        />
      ),
    },
    { head: "Since", cell: (member) => <When at={member.created_at} /> },
    {
      head: "Last seen",
      cell: (member) => (member.last_seen_at ? <When at={member.last_seen_at} /> : "never"),
    },
    {
      head: "Orders",
      quiet: true,
      cell: (member) => (
        <Group gap={6} wrap="nowrap" justify="flex-end">
          <ConfirmButton
            size="compact-xs"
            label="New password"
            aria-label={`New password for ${member.email}`}
            confirm="Make the link"
            question="You get a link that lets its holder choose a new password, once."
            act={() => reset(member)}
          />
          <ConfirmButton
            size="compact-xs"
            label="Remove"
            aria-label={`Remove ${member.email}`}
            confirm="Remove the member"
            question={`The sessions and keys of ${member.email} end within seconds; what they made stays.`}
            act={() => leave(member)}
          />
        </Group>
      ),
    },
  ];
  return (
    <>
      <PageHead title="Members">
        <Button onClick={open}>Invite</Button>
      </PageHead>
      <Stack gap="sm">
        <Loaded of={members}>
          {(items) => (
            <Panel title="Members" flush>
              <Listing
                label="Members"
                items={items}
                columns={columns}
                keyOf={(member) => member.id}
                empty={{ title: "Nobody", text: "Invite somebody by e-mail address." }}
              />
            </Panel>
          )}
        </Loaded>
        <Invitations />
      </Stack>
      <Invite
        opened={opened}
        close={close}
        made={(made) =>
          setLink({ title: `Invitation of ${made.email}`, url: made.url ?? made.token ?? "" })
        }
      />
      <SecretModal
        title={link?.title ?? ""}
        secret={link?.url ?? null}
        note="Send this link to them: no mail is sent from here."
        close={() => setLink(null)}
      />
    </>
  );
}
