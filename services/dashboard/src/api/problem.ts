/** A refusal of the API, as RFC 9457 tells of it. */
import type { components } from "@/generated/api";

export type ProblemBody = components["schemas"]["Problem"];

export class Problem extends Error {
  readonly body: ProblemBody;
  readonly retryAfterS: number | null;

  constructor(body: ProblemBody, retryAfterS: number | null = null) {
    super(body.detail ?? body.title);
    this.name = "Problem";
    this.body = body;
    this.retryAfterS = retryAfterS;
  }

  get status(): number {
    return this.body.status;
  }

  get code(): string {
    return this.body.code;
  }
}

/** What to tell somebody of anything that was thrown. */
export function told(error: unknown): string {
  if (error instanceof Problem) {
    const fields = (error.body.errors ?? []).map((each) => `${each.field}: ${each.message}`);
    return [error.message, ...fields].join("\n");
  }
  if (error instanceof TypeError) return "The server cannot be reached.";
  return error instanceof Error ? error.message : String(error);
}
