import { useQuery, useQueryClient } from "@tanstack/react-query";
import { invitationsQuery } from "@/api/account";
import { remove, type Schema } from "@/api/http";
import { ConfirmButton } from "@/parts/Confirm";
import { type ListColumn, Listing } from "@/parts/Listing";
import { Loaded } from "@/parts/Page";
import { Panel } from "@/parts/Panel";
import { When } from "@/parts/When";

type Invitation = Schema["Invitation"];

/** Invitations that nobody has accepted yet. */
export function Invitations() {
  const invitations = useQuery(invitationsQuery);
  const client = useQueryClient();
  const withdraw = async (id: string) => {
    await remove("/v1/invitations/{invitation_id}", { path: { invitation_id: id } });
    await client.invalidateQueries({ queryKey: invitationsQuery.queryKey });
  };
  const columns: ListColumn<Invitation>[] = [
    { head: "E-mail", cell: (each) => each.email, most: 300 },
    { head: "Role", cell: (each) => each.role },
    { head: "Made", cell: (each) => <When at={each.created_at} /> },
    { head: "Ends", cell: (each) => <When at={each.expires_at} /> },
    {
      head: "Orders",
      quiet: true,
      cell: (each) => (
        <ConfirmButton
          size="compact-xs"
          label="Withdraw"
          aria-label={`Withdraw the invitation of ${each.email}`}
          confirm="Withdraw the invitation"
          question="Its link does not work any more."
          act={() => withdraw(each.id)}
        />
      ),
    },
  ];
  return (
    <Panel title="Open invitations" flush>
      <Loaded of={invitations} height={90}>
        {(items) => (
          <Listing
            label="Open invitations"
            items={items}
            columns={columns}
            keyOf={(each) => each.id}
            empty={{ title: "None is open", text: "“Invite” makes a link that you send yourself." }}
          />
        )}
      </Loaded>
    </Panel>
  );
}
