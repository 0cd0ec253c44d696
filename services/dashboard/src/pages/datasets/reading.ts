/** What the dialog says of how to read a file, and the order that it makes. */
import type { Loose, Schema } from "@/api/http";
import type { Dataset } from "@/live/lists";

export type Options = Loose<Schema["IngestOptions"]>;

/** Empty: the content decides. */
export interface Said {
  format: string | null;
  compression: string | null;
  encoding: string;
  delimiter: string;
  quote: string;
  header: string | null;
  skip: number | string;
  decimal: string | null;
  depth: number | string;
  contract: string;
  types: Typed[];
}

export interface Typed {
  key: number;
  column: string;
  type: string | null;
}

const SPELLED: Record<string, string> = { tab: "\t", space: " " };
const TEXT = ["csv", "tsv"];
const NESTED = ["json", "ndjson"];

let next = 0;

export function typed(column = "", type: string | null = null): Typed {
  return { key: next++, column, type };
}

/** What was asked for and failed; else how it was read, with the types that were asked for. */
export function startOf(dataset: Dataset): Said {
  const { detected, reading, error } = dataset;
  const asked = (reading?.options ?? dataset.options ?? {}) as Options;
  const from = reading?.error || error ? asked : { ...asked, ...detected };
  return {
    format: from.format ?? null,
    compression: from.compression ?? null,
    encoding: from.encoding ?? "",
    delimiter: spelled(from.delimiter ?? ""),
    quote: from.quote ?? "",
    header: from.header === undefined || from.header === null ? null : String(from.header),
    skip: from.skip ?? "",
    decimal: from.decimal ?? null,
    depth: asked.depth ?? "",
    contract: from.contract ?? "evolve",
    types: Object.entries(asked.types ?? {}).map(([column, type]) => typed(column, type ?? null)),
  };
}

function spelled(character: string): string {
  return Object.keys(SPELLED).find((word) => SPELLED[word] === character) ?? character;
}

/** Which fields mean something for the format. */
export function asks(format: string | null) {
  const open = format === null;
  return {
    rows: open || TEXT.includes(format),
    nested: open || NESTED.includes(format),
    text: format !== "parquet",
  };
}

export function orderOf(said: Said): Options {
  const { rows, nested, text } = asks(said.format);
  const types = said.types.filter((each) => each.column !== "" && each.type !== null);
  const order: Record<string, unknown> = {
    format: said.format,
    compression: text ? said.compression : null,
    encoding: text ? said.encoding.trim() : "",
    delimiter: rows ? (SPELLED[said.delimiter] ?? said.delimiter) : "",
    quote: rows ? said.quote : "",
    header: rows && said.header !== null ? said.header === "true" : null,
    skip: rows && said.skip !== "" ? Number(said.skip) : null,
    decimal: rows ? said.decimal : null,
    depth: nested && said.depth !== "" ? Number(said.depth) : null,
    contract: said.contract,
    types: Object.fromEntries(types.map((each) => [each.column, each.type])),
  };
  const kept = Object.entries(order).filter(([, value]) => value !== null && value !== "");
  return Object.fromEntries(kept) as Options;
}
