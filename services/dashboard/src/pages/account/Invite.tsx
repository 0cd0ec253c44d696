import { NumberInput, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { invitationsQuery } from "@/api/account";
import { post, type Schema } from "@/api/http";
import { RoleSelect } from "@/pages/account/RoleSelect";
import { FormModal } from "@/parts/FormModal";
import { useOrder } from "@/parts/order";

const DAY_S = 86_400;

/** Who shall come in, as what, and for how long the link is good. */
export function Invite({
  opened,
  close,
  made,
}: {
  opened: boolean;
  close: () => void;
  made: (invitation: Schema["Invitation"]) => void;
}) {
  const order = useOrder(["email", "role", "expires_in_s"]);
  const client = useQueryClient();
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Schema["Role"]>("operator");
  const [days, setDays] = useState<number | string>(7);
  const act = async () => {
    const expires_in_s = Math.round(Number(days) * DAY_S);
    made(await post("/v1/invitations", { body: { email, role, expires_in_s } }));
    setEmail("");
    await client.invalidateQueries({ queryKey: invitationsQuery.queryKey });
  };
  return (
    <FormModal title="Invite" button="Make the link" {...{ opened, close, order, act }}>
      <TextInput
        label="E-mail"
        type="email"
        required
        data-autofocus
        value={email}
        error={order.at("email")}
        onChange={(event) => setEmail(event.currentTarget.value)}
      />
      <RoleSelect role={role} error={order.at("role")} choose={setRole} />
      <NumberInput
        label="Good for days"
        min={1}
        max={30}
        value={days}
        error={order.at("expires_in_s")}
        onChange={setDays}
      />
    </FormModal>
  );
}
