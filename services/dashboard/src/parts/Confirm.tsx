/** A button whose order is given only after one was asked. */
import { Button, type ButtonProps, Group, Modal, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type ReactNode, useState } from "react";
import { ErrorNote } from "@/parts/Page";

export function ConfirmButton({
  label,
  question,
  confirm,
  act,
  children,
  ...button
}: {
  label: string;
  question: ReactNode;
  confirm: string;
  act: () => Promise<unknown>;
  children?: ReactNode;
} & ButtonProps & { "aria-label"?: string }) {
  const [opened, { open, close }] = useDisclosure(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const go = async () => {
    setBusy(true);
    setError(null);
    try {
      await act();
      close();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button variant="default" {...button} onClick={open}>
        {label}
      </Button>
      <Modal opened={opened} onClose={close} title={label}>
        <Text fz="sm" component="div">
          {question}
        </Text>
        {children}
        {error !== null && <ErrorNote error={error} />}
        <Group justify="flex-end" mt="md">
          <Button variant="default" onClick={close} data-autofocus>
            Leave it
          </Button>
          <Button color="red.8" loading={busy} onClick={() => void go()}>
            {confirm}
          </Button>
        </Group>
      </Modal>
    </>
  );
}
