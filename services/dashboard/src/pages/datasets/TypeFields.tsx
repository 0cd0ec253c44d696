import { ActionIcon, Autocomplete, Button, Group, Select, Stack, Text } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import { type Typed, typed } from "@/pages/datasets/reading";

const TYPES = ["bool", "int64", "float64", "date", "date_dmy", "date_mdy", "datetime", "string"];

/** Which types columns must have; a column need not be known yet. */
export function TypeFields({
  types,
  change,
  columns,
  error,
}: {
  types: Typed[];
  change: (types: Typed[]) => void;
  columns: string[];
  error: string | undefined;
}) {
  const set = (key: number, part: Partial<Typed>) =>
    change(types.map((each) => (each.key === key ? { ...each, ...part } : each)));
  return (
    <Stack gap={6} role="group" aria-label="Types of columns">
      {types.map((each, index) => (
        <Group key={each.key} gap={6} wrap="nowrap">
          <Autocomplete
            aria-label={`Column ${index + 1}`}
            placeholder="column"
            flex={1}
            limit={50}
            data={columns}
            value={each.column}
            onChange={(column) => set(each.key, { column })}
          />
          <Select
            aria-label={`Type of column ${index + 1}`}
            placeholder="type"
            w={130}
            data={TYPES}
            value={each.type}
            onChange={(type) => set(each.key, { type })}
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Leave out column ${index + 1}`}
            onClick={() => change(types.filter((other) => other.key !== each.key))}
          >
            <IconX size={15} aria-hidden />
          </ActionIcon>
        </Group>
      ))}
      {error && (
        <Text fz="xs" c="red" role="alert">
          {error}
        </Text>
      )}
      <Button
        variant="default"
        size="xs"
        w="fit-content"
        leftSection={<IconPlus size={14} aria-hidden />}
        onClick={() => change([...types, typed()])}
      >
        Type of a column
      </Button>
    </Stack>
  );
}
