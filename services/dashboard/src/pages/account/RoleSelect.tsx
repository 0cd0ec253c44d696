import { Select } from "@mantine/core";
import type { Schema } from "@/api/http";
import { ROLES } from "@/pages/account/roles";

type Role = Schema["Role"];

/** What somebody, or a key, may do. */
export function RoleSelect({
  role,
  error,
  choose,
}: {
  role: Role;
  error: string | undefined;
  choose: (role: Role) => void;
}) {
  return (
    <Select
      label="Role"
      allowDeselect={false}
      data={ROLES}
      value={role}
      error={error}
      onChange={(value) => choose(value as Role)}
    />
  );
}
