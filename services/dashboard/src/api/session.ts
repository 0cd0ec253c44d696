/** Who is signed in: tokens shared by all tabs, renewed by one of them at a time. */
import { read } from "@/api/json";

const KEY = "tidemill-session";
const EARLY_MS = 60_000;
const REFRESH_LOCK = "tidemill-refresh";

export interface Session {
  access: string;
  refresh: string;
  expiresAt: number;
}

interface TokenPair {
  access_token: string;
  refresh_token: string;
  expires_in: number;
}

type Listener = () => void;

const listeners = new Set<Listener>();
let current: Session | null = stored();

function stored(): Session | null {
  try {
    const text = localStorage.getItem(KEY);
    return text ? (JSON.parse(text) as Session) : null;
  } catch {
    return null;
  }
}

function tell(): void {
  for (const listener of [...listeners]) listener();
}

export function session(): Session | null {
  return current;
}

export function signedIn(): boolean {
  return current !== null;
}

export function onSession(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function keep(pair: TokenPair): Session {
  current = {
    access: pair.access_token,
    refresh: pair.refresh_token,
    expiresAt: Date.now() + pair.expires_in * 1000,
  };
  localStorage.setItem(KEY, JSON.stringify(current));
  tell();
  return current;
}

export function forget(): void {
  current = null;
  localStorage.removeItem(KEY);
  tell();
}

/** A token that is good for a minute at least; null where nobody is signed in any more. */
export async function accessToken({ fresh = false } = {}): Promise<string | null> {
  const before = current;
  if (!before) return null;
  if (!fresh && before.expiresAt - EARLY_MS > Date.now()) return before.access;
  return await alone(async () => {
    current = stored();
    if (!current) return null;
    // another tab has renewed it meanwhile
    if (current.refresh !== before.refresh) return current.access;
    return await renewed(current.refresh);
  });
}

async function renewed(refresh: string): Promise<string | null> {
  const answer = await fetch("/v1/auth/refresh", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ refresh_token: refresh }),
  });
  if (answer.ok) return keep(read(await answer.text()) as TokenPair).access;
  if (answer.status === 401 || answer.status === 403) {
    forget();
    return null;
  }
  throw new TypeError(`The session could not be renewed (${answer.status}).`);
}

let renewing: Promise<string | null> | null = null;

/** One renewal at a time: in this tab always, in all tabs where the browser has locks. */
function alone(work: () => Promise<string | null>): Promise<string | null> {
  if (renewing) return renewing;
  const locked = async () =>
    navigator.locks ? await navigator.locks.request(REFRESH_LOCK, work) : await work();
  renewing = locked().finally(() => {
    renewing = null;
  });
  return renewing;
}

if (typeof window !== "undefined") {
  window.addEventListener("storage", (change) => {
    if (change.key === KEY) {
      current = stored();
      tell();
    }
  });
}
