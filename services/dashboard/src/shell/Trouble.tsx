/** What is shown where a page cannot be. */
import { Button, Stack, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { told } from "@/api/problem";

export function Trouble({ error }: { error: unknown }) {
  return (
    <Stack align="flex-start" p="lg">
      <Title order={1}>This page cannot be shown</Title>
      <Text>{told(error)}</Text>
      <Button onClick={() => location.reload()}>Load it again</Button>
    </Stack>
  );
}

export function NotFound() {
  return (
    <Stack align="flex-start" p="lg" component="main">
      <Title order={1}>There is nothing here</Title>
      <Link to="/">Go to the overview</Link>
    </Stack>
  );
}
