/** Who did what, when, from where, and how it came out. */
import { Button, Group, Select, Stack, Table, TextInput, UnstyledButton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { auditQuery, membersQuery } from "@/api/account";
import type { Schema } from "@/api/http";
import { JsonBlock } from "@/parts/JsonBlock";
import { type ListColumn, Listing } from "@/parts/Listing";
import { Loaded, PageHead } from "@/parts/Page";
import { Pager } from "@/parts/Pager";
import { Status } from "@/parts/Status";
import { When } from "@/parts/When";

type Entry = Schema["AuditEntry"];

export function Audit() {
  const asked = useSearch({ from: "/inside/audit" });
  const navigate = useNavigate({ from: "/audit" });
  const entries = useQuery(auditQuery(asked));
  const [opened, setOpened] = useState<string | null>(null);
  const columns: ListColumn<Entry>[] = [
    { head: "When", cell: (entry) => <When at={entry.at} /> },
    { head: "Who", cell: (entry) => entry.actor ?? "–", most: 240 },
    { head: "By", cell: (entry) => entry.via.replaceAll("_", " ") },
    {
      head: "What",
      cell: (entry) => (
        <UnstyledButton
          fz="sm"
          fw={550}
          aria-expanded={opened === entry.id}
          onClick={() => setOpened(opened === entry.id ? null : entry.id)}
        >
          {entry.action}
        </UnstyledButton>
      ),
    },
    { head: "To", cell: (entry) => <span className="mono">{entry.target ?? "–"}</span>, most: 200 },
    { head: "From", cell: (entry) => <span className="mono">{entry.address ?? "–"}</span> },
    { head: "Outcome", cell: (entry) => <Status status={entry.outcome} /> },
  ];
  return (
    <>
      <PageHead title="Audit" under="Kept by the system; nobody can change it" />
      <Stack gap="sm">
        <Sought />
        <Loaded of={entries} height={300}>
          {(page) => (
            <>
              <div className="panel">
                <Listing
                  label="Audit"
                  items={page.items}
                  columns={columns}
                  keyOf={(entry) => entry.id}
                  empty={{ title: "Nothing fits", text: "Clear the fields above to see all." }}
                  below={(entry) =>
                    opened === entry.id && (
                      <Table.Tr>
                        <Table.Td colSpan={columns.length} p={0}>
                          <JsonBlock value={entry} label="Entry" />
                        </Table.Td>
                      </Table.Tr>
                    )
                  }
                />
              </div>
              <Pager
                page={page}
                cursor={asked.cursor}
                go={(cursor) => void navigate({ search: { ...asked, cursor } })}
              />
            </>
          )}
        </Loaded>
      </Stack>
    </>
  );
}

function Sought() {
  const asked = useSearch({ from: "/inside/audit" });
  const navigate = useNavigate({ from: "/audit" });
  const members = useQuery(membersQuery);
  const [action, setAction] = useState(asked.action ?? "");
  const [target, setTarget] = useState(asked.target ?? "");
  const show = (actor_id: string | undefined) =>
    void navigate({
      search: {
        actor_id,
        action: action.trim() || undefined,
        target: target.trim() || undefined,
      },
    });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    show(asked.actor_id);
  };
  return (
    <form onSubmit={submit}>
      <Group align="flex-end" gap="xs">
        <Select
          label="Who"
          placeholder="anybody"
          clearable
          searchable
          data={(members.data ?? []).map((each) => ({ value: each.id, label: each.email }))}
          value={asked.actor_id ?? null}
          onChange={(value) => show(value ?? undefined)}
        />
        <TextInput
          label="What"
          placeholder="api_key.created"
          value={action}
          onChange={(event) => setAction(event.currentTarget.value)}
        />
        <TextInput
          label="To"
          placeholder="an id"
          value={target}
          onChange={(event) => setTarget(event.currentTarget.value)}
        />
        <Button type="submit">Show</Button>
      </Group>
    </form>
  );
}
