import { ActionIcon, Menu, SegmentedControl, Text, useMantineColorScheme } from "@mantine/core";
import { IconLogout, IconUser } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { post } from "@/api/http";
import { meQuery } from "@/api/queries";
import { forget, session } from "@/api/session";

export async function signOut(): Promise<void> {
  const refresh = session()?.refresh;
  // whoever signs out is out, whether the server hears of it or not
  if (refresh)
    await post("/v1/auth/logout", { body: { refresh_token: refresh } }).catch(() => null);
  forget();
}

export function UserMenu() {
  const me = useQuery(meQuery);
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Menu position="bottom-end" width={230}>
      <Menu.Target>
        <ActionIcon variant="default" size="md" radius="xl" aria-label="Account and colours">
          <IconUser size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Text fz="sm" px="sm" pt={4} className="truncate">
          {me.data?.email ?? "…"}
        </Text>
        <Text fz="xs" px="sm" pb="xs" c="dimmed">
          {me.data?.role}
        </Text>
        <Menu.Divider />
        <SegmentedControl
          fullWidth
          size="xs"
          aria-label="Colours"
          value={colorScheme}
          onChange={(value) => setColorScheme(value as typeof colorScheme)}
          data={[
            { value: "light", label: "Light" },
            { value: "dark", label: "Dark" },
            { value: "auto", label: "System" },
          ]}
        />
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={15} />} onClick={() => void signOut()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
