import { Alert, Code, Group, Modal, Text } from "@mantine/core";
import { Copy } from "@/parts/Copy";

/** What is shown this once: to be copied before the window is closed. */
export function SecretModal({
  title,
  secret,
  note,
  close,
}: {
  title: string;
  secret: string | null;
  note: string;
  close: () => void;
}) {
  return (
    <Modal
      opened={secret !== null}
      onClose={close}
      title={title}
      closeOnClickOutside={false}
      size="lg"
    >
      <Alert color="yellow" variant="light" py="xs" mb="sm">
        <Text fz="sm">{note} It is shown only now.</Text>
      </Alert>
      <Group wrap="nowrap" gap="xs">
        <Code
          block
          flex={1}
          data-testid="secret"
          style={{ overflowWrap: "anywhere", whiteSpace: "pre-wrap" }}
        >
          {secret}
        </Code>
        <Copy text={secret ?? ""} label="Copy it" />
      </Group>
    </Modal>
  );
}
