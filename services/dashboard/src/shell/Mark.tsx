import { Group, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";

export function Mark() {
  return (
    <Link to="/" className="nav-link" style={{ padding: "4px 6px", background: "none" }}>
      <Group gap={8} wrap="nowrap">
        <img src="/tidemill.svg" alt="" width={22} height={22} />
        <Text fw={650} fz="md" component="span">
          Tidemill
        </Text>
      </Group>
    </Link>
  );
}
