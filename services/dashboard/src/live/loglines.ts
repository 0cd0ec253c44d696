/** Kept and live lines as one log, each line once. */
import type { LogLine } from "@/live/frames";

const MOST = 5_000;

function place(line: LogLine): string {
  return `${line.attempt} ${line.step} ${line.number}`;
}

export function mergeLines(known: readonly LogLine[], more: readonly LogLine[]): LogLine[] {
  const seen = new Set(known.map(place));
  const fresh = more.filter((line) => !seen.has(place(line)));
  const lines = fresh.length ? [...known, ...fresh] : [...known];
  return lines.slice(-MOST);
}
