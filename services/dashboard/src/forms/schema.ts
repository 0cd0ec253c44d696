/** JSON Schema as processors give it, read for a form. */

export interface JsonSchema {
  type?: string;
  title?: string;
  description?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema | false;
  prefixItems?: JsonSchema[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  maxLength?: number;
}

export type Kind =
  | "text"
  | "number"
  | "integer"
  | "boolean"
  | "choice"
  | "words"
  | "numbers"
  | "json";

export interface Field {
  name: string;
  kind: Kind;
  schema: JsonSchema;
  required: boolean;
  optional: boolean;
}

/** The object schema that the parameters have, with its references followed. */
export function fieldsOf(schema: JsonSchema): Field[] {
  const root = follow(schema, schema);
  const required = new Set(root.required ?? []);
  return Object.entries(root.properties ?? {}).map(([name, raw]) => {
    const { of, nullable } = bare(follow(raw, schema), schema);
    const merged = { ...of, default: raw.default, description: raw.description ?? of.description };
    return {
      name,
      kind: kindOf(of, schema),
      schema: merged,
      required: required.has(name),
      optional: nullable || !required.has(name),
    };
  });
}

function follow(schema: JsonSchema, root: JsonSchema): JsonSchema {
  if (!schema.$ref) return schema;
  const name = schema.$ref.split("/").at(-1) ?? "";
  const target = root.$defs?.[name];
  return target ? follow(target, root) : {};
}

function bare(schema: JsonSchema, root: JsonSchema): { of: JsonSchema; nullable: boolean } {
  const choices = schema.anyOf ?? schema.oneOf;
  if (!choices) return { of: schema, nullable: false };
  const others = choices.filter((each) => each.type !== "null");
  const nullable = others.length < choices.length;
  const [only] = others;
  return { of: others.length === 1 && only ? follow(only, root) : {}, nullable };
}

function kindOf(schema: JsonSchema, root: JsonSchema): Kind {
  if (schema.enum) return schema.enum.every((each) => typeof each === "string") ? "choice" : "json";
  if (schema.type === "array") {
    const items = schema.items ? follow(schema.items, root) : {};
    if (items.type === "string" && !items.enum) return "words";
    return items.type === "number" || items.type === "integer" ? "numbers" : "json";
  }
  const simple: Record<string, Kind> = {
    string: "text",
    number: "number",
    integer: "integer",
    boolean: "boolean",
  };
  return simple[schema.type ?? ""] ?? "json";
}
