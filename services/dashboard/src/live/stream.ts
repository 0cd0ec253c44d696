/** The one socket of this tab: signs in, subscribes, renews its token, resumes where it was. */
import { read } from "@/api/json";
import { accessToken } from "@/api/session";
import { CLOSED, type ClientFrame, type ServerFrame, SUBPROTOCOL } from "@/live/frames";

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 15_000;
/** The server beats every 15 s; three in a row that fail to come are a dead connection. */
const SILENCE_MS = 45_000;

export interface Subscription {
  topics: string[];
  types?: string[];
  /** Where to go on: the last cursor that was seen, or `now`. */
  since: string;
}

export type Link = "connecting" | "open" | "waiting" | "closed";

export interface Told {
  frame(frame: ServerFrame): void;
  link(link: Link): void;
  signedOut(): void;
}

export class Stream {
  private socket: WebSocket | null = null;
  private failures = 0;
  private again: ReturnType<typeof setTimeout> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;
  private ready = false;
  private readonly subscriptions = new Map<string, Subscription>();

  constructor(private readonly told: Told) {}

  open(): void {
    this.close();
    this.failures = 0;
    void this.connect();
  }

  close(): void {
    clearTimeout(this.again);
    clearTimeout(this.silence);
    const socket = this.socket;
    this.socket = null;
    this.ready = false;
    socket?.close(1000);
    this.told.link("closed");
  }

  /** Now rather than after the wait, as when the browser says that the network is back. */
  hurry(): void {
    if (this.socket) return;
    clearTimeout(this.again);
    void this.connect();
  }

  subscribe(id: string, subscription: Subscription): void {
    this.subscriptions.set(id, subscription);
    if (this.ready) this.say({ op: "subscribe", id, ...subscription });
  }

  unsubscribe(id: string): void {
    if (this.subscriptions.delete(id) && this.ready) this.say({ op: "unsubscribe", id });
  }

  private say(frame: ClientFrame): void {
    this.socket?.send(JSON.stringify(frame));
  }

  private async connect(): Promise<void> {
    this.told.link("connecting");
    const token = await accessToken().catch(() => undefined);
    if (token === null) {
      this.told.signedOut();
      return;
    }
    if (token === undefined) {
      this.retry();
      return;
    }
    const socket = new WebSocket(
      `${location.origin.replace(/^http/, "ws")}/v1/stream`,
      SUBPROTOCOL,
    );
    this.socket = socket;
    socket.onopen = () => this.say({ op: "auth", token });
    socket.onmessage = (message) => {
      if (this.socket === socket) this.hear(read(String(message.data)) as ServerFrame);
    };
    socket.onclose = (closed) => {
      if (this.socket === socket) this.lost(closed.code);
    };
    this.listen();
  }

  private hear(frame: ServerFrame): void {
    this.listen();
    if (frame.op === "ready") {
      this.failures = 0;
      this.ready = true;
      for (const [id, each] of this.subscriptions) this.say({ op: "subscribe", id, ...each });
      this.told.link("open");
    }
    if (frame.op === "auth_expiring") void this.renew();
    this.remember(frame);
    this.told.frame(frame);
  }

  private remember(frame: ServerFrame): void {
    if (frame.op !== "events" && frame.op !== "live" && frame.op !== "gap") return;
    const subscription = this.subscriptions.get(frame.id);
    if (!subscription) return;
    const seen =
      frame.op === "events"
        ? frame.items.at(-1)?.cursor
        : frame.op === "live"
          ? frame.cursor
          : frame.resume;
    if (seen) subscription.since = seen;
  }

  private async renew(): Promise<void> {
    const token = await accessToken({ fresh: true }).catch(() => undefined);
    if (token) this.say({ op: "auth", token });
  }

  private lost(code: number): void {
    this.socket = null;
    this.ready = false;
    clearTimeout(this.silence);
    if (code === CLOSED.notSignedIn || code === CLOSED.tokenExpired) {
      void accessToken({ fresh: true }).then(
        (token) => (token ? this.retry() : this.told.signedOut()),
        () => this.retry(),
      );
    } else {
      this.retry();
    }
  }

  /** Full jitter on 250 ms·2ⁿ, so that a thousand tabs do not come back at once. */
  private retry(): void {
    const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.failures, 10));
    this.failures += 1;
    this.told.link("waiting");
    clearTimeout(this.again);
    this.again = setTimeout(() => void this.connect(), Math.random() * most);
  }

  private listen(): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      const socket = this.socket;
      if (socket) {
        socket.onclose = null;
        socket.close();
        this.lost(0);
      }
    }, SILENCE_MS);
  }
}
