/** The form before everything else: an address and a password. */
import { Button, Center, Paper, PasswordInput, Stack, Text, TextInput, Title } from "@mantine/core";
import { type FormEvent, type ReactNode, useState } from "react";
import { useOrder } from "@/parts/order";
import { ErrorNote } from "@/parts/Page";

export function Door({
  title,
  button,
  enter,
  fresh = false,
  nameless = false,
  children,
}: {
  title: string;
  button: string;
  enter: (email: string, password: string) => Promise<void>;
  fresh?: boolean;
  /** The link knows whose it is. */
  nameless?: boolean;
  children: ReactNode;
}) {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const order = useOrder(nameless ? ["password"] : ["email", "password"]);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    await order.give(() => enter(email, password));
  };
  return (
    <Center mih="100vh" p="md" component="main">
      <Paper className="panel" p="xl" w="100%" maw={360}>
        <form onSubmit={(event) => void submit(event)}>
          <Stack gap="sm">
            <img src="/tidemill.svg" alt="" width={36} height={36} />
            <Title order={1}>{title}</Title>
            {!nameless && (
              <TextInput
                label="E-mail"
                type="email"
                autoComplete="email"
                required
                value={email}
                error={order.at("email")}
                onChange={(event) => setEmail(event.currentTarget.value)}
              />
            )}
            <PasswordInput
              label="Password"
              autoComplete={fresh ? "new-password" : "current-password"}
              minLength={fresh ? 8 : undefined}
              description={fresh ? "8 characters or more" : undefined}
              required
              value={password}
              error={order.at("password")}
              onChange={(event) => setPassword(event.currentTarget.value)}
            />
            {order.refusal && <ErrorNote error={order.refusal} />}
            <Button type="submit" size="sm" loading={order.busy}>
              {button}
            </Button>
            <Text fz="sm" c="dimmed" component="div" className="prose">
              {children}
            </Text>
          </Stack>
        </form>
      </Paper>
    </Center>
  );
}
