/** An order that somebody gives by a form: whether it is on its way, and what was refused at which field. */
import { useState } from "react";
import { Problem, told } from "@/api/problem";

export interface Order {
  busy: boolean;
  /** What no field of the form can show. */
  refusal: Error | null;
  /** Why this field was refused. */
  at: (field: string) => string | undefined;
  /** Whether it was done. */
  give: (act: () => Promise<unknown>) => Promise<boolean>;
  clear: () => void;
}

/** `fields` are those that have an input; whatever is refused elsewhere is told above the buttons. */
export function useOrder(fields: readonly string[]): Order {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const give = async (act: () => Promise<unknown>) => {
    setBusy(true);
    setError(null);
    try {
      await act();
      return true;
    } catch (problem) {
      setError(problem);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return {
    busy,
    refusal: error === null ? null : refusalOf(error, fields),
    at: (field) => messageAt(error, field),
    give,
    clear: () => setError(null),
  };
}

const belongs = (path: string, field: string) => path === field || path.startsWith(`${field}.`);

export function messageAt(error: unknown, field: string): string | undefined {
  if (!(error instanceof Problem)) return undefined;
  const found = (error.body.errors ?? []).filter((each) => belongs(each.field, field));
  return found.map((each) => each.message).join("; ") || undefined;
}

export function refusalOf(error: unknown, fields: readonly string[]): Error | null {
  const errors = error instanceof Problem ? (error.body.errors ?? []) : [];
  if (!(error instanceof Problem) || errors.length === 0) return new Error(told(error));
  const others = errors.filter((each) => !fields.some((field) => belongs(each.field, field)));
  if (others.length === 0) return null;
  return new Error(others.map((each) => `${each.field}: ${each.message}`).join("\n"));
}
