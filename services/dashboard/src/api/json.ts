/** JSON in and out without rounding: integers beyond 2^53 are bigints. */
import { parse, stringify } from "lossless-json";

export type Json =
  | null
  | boolean
  | number
  | bigint
  | string
  | Json[]
  | { [key: string]: Json | undefined };

const LONG_NUMBER = /\d{16,}/;
const INTEGER = /^-?\d+$/;

function exact(text: string): number | bigint {
  const value = Number(text);
  return INTEGER.test(text) && !Number.isSafeInteger(value) ? BigInt(text) : value;
}

/** Most texts hold no number that could be rounded: those take the browser's own parser. */
export function read(text: string): unknown {
  return LONG_NUMBER.test(text) ? parse(text, undefined, exact) : JSON.parse(text);
}

export function write(value: unknown, indent?: number): string {
  return stringify(value, undefined, indent) ?? "null";
}
