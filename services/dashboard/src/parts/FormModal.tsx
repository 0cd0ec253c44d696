import { Button, Group, Modal, Stack } from "@mantine/core";
import type { FormEvent, ReactNode } from "react";
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
