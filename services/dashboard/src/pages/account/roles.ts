/** What a member or a key may do, from least to most. */
export const ROLES = [
  { value: "viewer", label: "Viewer: looks" },
  { value: "operator", label: "Operator: uploads and runs" },
  { value: "admin", label: "Admin: also members and audit" },
];
