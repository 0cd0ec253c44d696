/** A large file in parts: several at a time, each once, and on from where it stopped after a reload. */
import { get, post, remove, type Schema } from "@/api/http";
import { Problem } from "@/api/problem";
import type { Dataset } from "@/live/lists";
import type { Sending } from "@/pages/datasets/upload";

type Upload = Schema["Upload"];
type Part = Schema["UploadPart"];
type Progress = (share: number) => void;

/** Above this size a broken connection would cost too much. */
export const IN_PARTS_BYTES = 16 * 1024 * 1024;
const AT_ONCE = 4;
const TRIES = 5;
const BREATH_MS = 500;

class LinkEnded extends Error {}

/** The same file gives the same word, in every tab and after a reload. */
export function fingerprintOf(file: Pick<File, "name" | "size" | "lastModified">): string {
  const short = file.name.slice(-80).replaceAll(/[^\w.-]/g, "_");
  return `${short}:${file.size}:${file.lastModified}`;
}

export function uploadInParts(file: File, progress: Progress): Sending {
  const stop = new AbortController();
  return { done: sent(file, progress, stop.signal), abort: () => stop.abort() };
}

async function sent(file: File, progress: Progress, signal: AbortSignal): Promise<Dataset> {
  let upload = await begun(file);
  const meter = new Meter(file.size, progress);
  for (let left = Number.POSITIVE_INFINITY; ; ) {
    const parts = upload.parts ?? [];
    meter.stored(parts);
    const open = parts.filter((part) => !part.stored);
    if (open.length === 0) break;
    if (open.length >= left) throw new Error("The parts do not arrive.");
    left = open.length;
    const linked = open.filter((part) => part.uri);
    await allSent(file, linked, meter, signal);
    upload = await shown(upload.id);
  }
  return await completed(upload.id, signal);
}

async function begun(file: File): Promise<Upload> {
  const fingerprint = fingerprintOf(file);
  const query = { fingerprint, status: "uploading" as const, limit: 1 };
  const [known] = (await get("/v1/uploads", { query })).items;
  if (known && known.size_bytes === file.size) return await shown(known.id);
  const body = { name: file.name, size_bytes: file.size, fingerprint };
  return (await post("/v1/uploads", { body })) as Upload;
}

const shown = (upload_id: string) => get("/v1/uploads/{upload_id}", { path: { upload_id } });

async function allSent(file: File, open: Part[], meter: Meter, signal: AbortSignal): Promise<void> {
  const waiting = [...open];
  const lane = async () => {
    for (let part = waiting.shift(); part; part = waiting.shift()) {
      await partSent(file, part, meter, signal);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

async function partSent(file: File, part: Part, meter: Meter, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await put(file.slice(part.offset, part.offset + part.size_bytes), part, meter, signal);
      return;
    } catch (error) {
      meter.sent(part.number, 0);
      // the next round brings links that are good again
      if (error instanceof LinkEnded) return;
      if (signal.aborted || attempt === TRIES) throw error;
      await rest(BREATH_MS * 2 ** attempt, signal);
    }
  }
}

function put(bytes: Blob, part: Part, meter: Meter, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    signal.addEventListener("abort", abort, { once: true });
    request.open("PUT", part.uri ?? "");
    request.upload.onprogress = (event) => meter.sent(part.number, event.loaded);
    request.onload = () => {
      meter.sent(part.number, part.size_bytes);
      if (request.status < 300) resolve();
      else if (request.status === 403) reject(new LinkEnded());
      else reject(new Error(`Part ${part.number} was refused (${request.status}).`));
    };
    request.onerror = () => reject(new TypeError());
    request.onabort = () => reject(new Error("Stopped; choose the file again to go on."));
    request.onloadend = () => signal.removeEventListener("abort", abort);
    if (signal.aborted) reject(new Error("Stopped; choose the file again to go on."));
    else request.send(bytes);
  });
}

/** What was stored is read again by the server to know its hash: for a while it may answer with the upload. */
async function completed(upload_id: string, signal: AbortSignal): Promise<Dataset> {
  for (;;) {
    const made = (await post("/v1/uploads/{upload_id}/complete", {
      path: { upload_id },
      body: {},
    })) as Dataset | Upload;
    if (!("part_bytes" in made)) return made;
    await rest(BREATH_MS, signal);
  }
}

function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new Error("Stopped; choose the file again to go on."));
    });
  });
}

export async function discard(upload_id: string): Promise<void> {
  try {
    await remove("/v1/uploads/{upload_id}", { path: { upload_id } });
  } catch (error) {
    if (!(error instanceof Problem && error.status === 404)) throw error;
  }
}

/** How much of a file has arrived, over all of its parts. */
export class Meter {
  private readonly bytes = new Map<number, number>();

  constructor(
    private readonly size: number,
    private readonly tell: Progress,
  ) {}

  stored(parts: readonly Part[]): void {
    for (const part of parts) this.bytes.set(part.number, part.stored ? part.size_bytes : 0);
    this.told();
  }

  sent(number: number, bytes: number): void {
    this.bytes.set(number, bytes);
    this.told();
  }

  private told(): void {
    const all = [...this.bytes.values()].reduce((sum, each) => sum + each, 0);
    this.tell(this.size ? Math.min(1, all / this.size) : 1);
  }
}
