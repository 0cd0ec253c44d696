/** What a one-time link opens: the first administrator, an invitation, a new password. */
import { Center, Paper, Text, Title } from "@mantine/core";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { post } from "@/api/http";
import { keep } from "@/api/session";
import { Door } from "@/pages/sign/Door";
import { linkToken } from "@/pages/sign/token";

export function Setup() {
  const navigate = useNavigate();
  const [token] = useState(linkToken);
  const enter = async (email: string, password: string) => {
    await post("/v1/setup", { body: { token, email, password } });
    keep(await post("/v1/auth/token", { body: { email, password } }));
    await navigate({ to: "/" });
  };
  if (!token)
    return <Incomplete what="tidemill up prints the link that makes the first administrator." />;
  return (
    <Door title="Set Tidemill up" button="Make the administrator" enter={enter} fresh>
      You become the administrator of this system. The link works once.
    </Door>
  );
}

export function Invitation() {
  const navigate = useNavigate();
  const [token] = useState(linkToken);
  const enter = async (_: string, password: string) => {
    const made = await post("/v1/invitations/{token}/accept", {
      path: { token },
      body: { password },
    });
    keep(await post("/v1/auth/token", { body: { email: made.user.email, password } }));
    await navigate({ to: "/" });
  };
  if (!token) return <Incomplete what="Ask whoever invited you to send the whole link." />;
  return (
    <Door title="Welcome" button="Join" enter={enter} fresh nameless>
      You were invited: choose your password. The link works once.
    </Door>
  );
}

export function Reset() {
  const navigate = useNavigate();
  const [token] = useState(linkToken);
  const enter = async (_: string, password: string) => {
    await post("/v1/auth/reset", { body: { token, password } });
    await navigate({ to: "/sign-in", search: {} });
  };
  if (!token) return <Incomplete what="Ask an administrator for a new link." />;
  return (
    <Door title="A new password" button="Keep it" enter={enter} fresh nameless>
      Then sign in with it. The link works once.
    </Door>
  );
}

function Incomplete({ what }: { what: string }) {
  return (
    <Center mih="100vh" p="md" component="main">
      <Paper className="panel" p="xl" w="100%" maw={360}>
        <Title order={1} mb="xs">
          This link is not whole
        </Title>
        <Text fz="sm" mb="sm">
          {what}
        </Text>
        <Link to="/sign-in" search={{}}>
          Sign in
        </Link>
      </Paper>
    </Center>
  );
}
