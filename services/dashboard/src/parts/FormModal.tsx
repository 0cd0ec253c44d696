import { Button, Group, Modal, Stack } from "@mantine/core";
import { type FormEvent, type ReactNode, useEffect } from "react";
import type { Order } from "@/parts/order";
import { ErrorNote } from "@/parts/Page";

/** A form over the page; it closes once its order is done. */
export function FormModal({
  title,
  button,
  opened,
  close,
  order,
  act,
  children,
}: {
  title: string;
  button: string;
  opened: boolean;
  close: () => void;
  order: Order;
  act: () => Promise<unknown>;
  children: ReactNode;
}) {
  useFocusBack(opened);
  const leave = () => {
    order.clear();
    close();
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (await order.give(act)) leave();
  };
  return (
    <Modal opened={opened} onClose={leave} title={title}>
      <form onSubmit={(event) => void submit(event)}>
        <Stack gap="sm">
          {children}
          {order.refusal && <ErrorNote error={order.refusal} />}
          <Group justify="flex-end" mt="xs">
            <Button variant="default" onClick={leave}>
              Leave it
            </Button>
            <Button type="submit" loading={order.busy}>
              {button}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

/** Back to whatever opened it, also where the form is gone together with its window. */
function useFocusBack(opened: boolean) {
  useEffect(() => {
    if (!opened) return undefined;
    const before = document.activeElement;
    return () => {
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    };
  }, [opened]);
}
