/** Frames of the live stream, subprotocol `tidemill.v1`. */
import type { Schema } from "@/api/http";
import type { Event } from "@/generated/events";

export const SUBPROTOCOL = "tidemill.v1";

/** The tag and what the fold reads; types that are not known here are skipped. */
export type AnyEvent = Event extends infer E ? (E extends Event ? E & Stamp : never) : never;
export type EventOf<T extends Event["type"]> = Extract<AnyEvent, { type: T }>;

/** The schema lets them be left out, since they have defaults; the wire always has them. */
interface Stamp {
  id: string;
  at: string;
}

export interface Placed {
  cursor: string;
  event: AnyEvent;
}

export type Progress = Schema["Progress"];
export type LogLine = Schema["LogLine"];

export type ServerFrame =
  | { op: "ready"; epoch: number; head: string }
  | { op: "subscribed"; id: string; recovered: boolean }
  | { op: "events"; id: string; items: Placed[]; replay?: boolean }
  | { op: "live"; id: string; cursor: string }
  | { op: "progress"; id: string; job_id: string; progress: Progress }
  | { op: "log"; id: string; job_id: string; lines: LogLine[]; skipped?: number }
  | { op: "gap"; id: string; reason: string; resume: string }
  | { op: "heartbeat"; head: string }
  | { op: "auth_expiring"; in_s: number }
  | { op: "error"; code: string; message: string; id?: string };

export type ClientFrame =
  | { op: "auth"; token: string }
  | { op: "subscribe"; id: string; topics: string[]; types?: string[]; since?: string }
  | { op: "unsubscribe"; id: string }
  | { op: "ping" };

export const CLOSED = {
  tokenExpired: 4001,
  forbidden: 4003,
  tooSlow: 4008,
  badFrame: 4400,
  notSignedIn: 4401,
} as const;

export function position(cursor: string): { epoch: number; place: number } {
  const [epoch = "0", place = "0"] = cursor.split(".");
  return { epoch: Number(epoch), place: Number(place) };
}

/** How many events of the log lie between two cursors; null across epochs. */
export function behind(cursor: string | null, head: string | null): number | null {
  if (!cursor || !head) return null;
  const [from, to] = [position(cursor), position(head)];
  return from.epoch === to.epoch ? Math.max(0, to.place - from.place) : null;
}
