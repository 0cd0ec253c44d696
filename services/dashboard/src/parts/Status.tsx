/** A status as a coloured dot and a word. */
import type { CSSProperties } from "react";

const COLORS: Record<string, string> = {
  succeeded: "succeeded",
  ready: "succeeded",
  live: "succeeded",
  done: "succeeded",
  ok: "succeeded",
  active: "succeeded",
  delivered: "succeeded",
  submitted: "succeeded",
  failed: "failed",
  rejected: "failed",
  expired: "failed",
  lost: "failed",
  refused: "failed",
  denied: "failed",
  missed: "failed",
  running: "running",
  validating: "running",
  uploading: "running",
  retrying: "retrying",
  retried: "retrying",
  cancelling: "retrying",
  paused: "retrying",
  cancelled: "cancelled",
  skipped: "cancelled",
};
const MOVING = new Set(["running", "validating", "uploading", "cancelling"]);

export function colorOf(status: string): string {
  return `var(--tm-${COLORS[status] ?? "waiting"})`;
}

export function dotOf(status: string): CSSProperties {
  return { "--dot": colorOf(status) } as CSSProperties;
}

export function Dot({ status }: { status: string }) {
  return (
    <span className="dot" data-moving={MOVING.has(status)} style={dotOf(status)} aria-hidden />
  );
}

export function Status({ status, why }: { status: string; why?: string | null }) {
  return (
    <span className="status" data-status={status}>
      <Dot status={status} />
      <span>
        {status}
        {why && <span className="aside"> ({why.replaceAll("_", " ")})</span>}
      </span>
    </span>
  );
}
