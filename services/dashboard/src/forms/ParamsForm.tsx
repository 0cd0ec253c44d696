/** A form for a processor's parameters, made of its JSON Schema. */
import {
  JsonInput,
  NumberInput,
  Select,
  Stack,
  Switch,
  TagsInput,
  Text,
  TextInput,
} from "@mantine/core";
import { useMemo } from "react";
import { read, write } from "@/api/json";
import { type Field, fieldsOf, type JsonSchema } from "@/forms/schema";

export type Params = Record<string, unknown>;

export function ParamsForm({
  schema,
  params,
  change,
  columns = [],
}: {
  schema: JsonSchema;
  params: Params;
  change: (params: Params) => void;
  /** Names that a field called `column` or `columns` may have. */
  columns?: string[];
}) {
  const fields = useMemo(() => fieldsOf(schema), [schema]);
  if (fields.length === 0) {
    return (
      <Text fz="sm" c="dimmed">
        It takes no parameters.
      </Text>
    );
  }
  const set = (name: string) => (value: unknown) => {
    const next = { ...params };
    if (value === undefined || value === null || value === "") delete next[name];
    else next[name] = value;
    change(next);
  };
  return (
    <Stack gap="sm">
      {fields.map((field) => (
        <FieldInput
          key={field.name}
          field={field}
          value={params[field.name]}
          set={set(field.name)}
          columns={columns}
        />
      ))}
    </Stack>
  );
}

interface InputProps {
  field: Field;
  value: unknown;
  set: (value: unknown) => void;
  columns: string[];
}

function FieldInput({ field, value, set, columns }: InputProps) {
  const { schema } = field;
  const standard =
    schema.default === undefined || schema.default === null ? "" : write(schema.default);
  const about = {
    label: field.name,
    description: schema.description,
    required: field.required,
    placeholder: standard.replaceAll('"', ""),
  };
  const names = field.name.startsWith("column") ? columns : [];
  switch (field.kind) {
    case "boolean":
      return (
        <Switch
          label={field.name}
          description={schema.description}
          checked={Boolean(value ?? schema.default)}
          onChange={(event) => set(event.currentTarget.checked)}
        />
      );
    case "choice":
      return (
        <Select
          {...about}
          data={(schema.enum as string[]) ?? []}
          value={(value as string) ?? (schema.default as string) ?? null}
          onChange={set}
          clearable={field.optional}
        />
      );
    case "number":
    case "integer":
      return (
        <NumberInput
          {...about}
          value={typeof value === "number" || typeof value === "string" ? value : ""}
          onChange={(next) => set(next === "" ? undefined : Number(next))}
          allowDecimal={field.kind === "number"}
          min={schema.minimum ?? schema.exclusiveMinimum}
          max={schema.maximum ?? schema.exclusiveMaximum}
          clampBehavior="none"
        />
      );
    case "words":
      return (
        <TagsInput
          {...about}
          data={names}
          value={(value as string[]) ?? []}
          onChange={(next) => set(next.length ? next : undefined)}
        />
      );
    case "numbers":
      return (
        <TagsInput
          {...about}
          value={((value as number[]) ?? []).map(String)}
          onChange={(next) =>
            set(next.length ? next.map(Number).filter((each) => !Number.isNaN(each)) : undefined)
          }
        />
      );
    case "text":
      return names.length > 0 ? (
        <Select
          {...about}
          data={names}
          value={(value as string) ?? null}
          onChange={set}
          searchable
          clearable={field.optional}
        />
      ) : (
        <TextInput
          {...about}
          value={(value as string) ?? ""}
          onChange={(event) => set(event.currentTarget.value)}
        />
      );
    default:
      return <OpenField {...about} value={value} set={set} />;
  }
}

/** Whatever has no field of its own is written as JSON. */
function OpenField({
  value,
  set,
  ...about
}: {
  label: string;
  description: string | undefined;
  required: boolean;
  placeholder: string;
  value: unknown;
  set: (value: unknown) => void;
}) {
  const text = typeof value === "string" ? value : value === undefined ? "" : write(value, 2);
  const change = (next: string) => {
    try {
      set(next.trim() === "" ? undefined : read(next));
    } catch {
      // kept as text until it is JSON; the server would refuse it with its reason
      set(next);
    }
  };
  return (
    <JsonInput
      {...about}
      autosize
      minRows={2}
      maxRows={12}
      value={text}
      onChange={change}
      validationError="This is not JSON"
    />
  );
}
