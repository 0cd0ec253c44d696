/**
 * The live stream for browsers and Node: it signs in, subscribes, reconnects and resumes.
 *
 *     import { follow } from "/docs/stream.js";
 *     const live = follow({ token: () => fetchToken(), topics: ["all"], onEvent: console.log });
 *     …
 *     live.close();
 */

const SUBPROTOCOL = "tidemill.v1";
const RESTART = 1012, FORBIDDEN = 4003, BAD_FRAME = 4400, NOT_SIGNED_IN = 4401, TOKEN_EXPIRED = 4001;
const FIRST_MS = 500, LONGEST_MS = 30_000, RESTART_MS = 3_000;
const KNOWN_KEYS = 10_000;
const LATE = "no token came in time"; // the page or the network was slow: no fault of the token

/**
 * @typedef {{id: string, type: string, at: string, tenant_id: string, seq: number}} TidemillEvent
 *   and the fields of its type; /asyncapi.json lists them all
 * @typedef {{load(): string | null | undefined, save(cursor: string): void}} Offsets
 *   where the last cursor is kept between two lives of a program
 * @typedef {object} Options
 * @property {(stale?: string) => string | Promise<string>} token an access token or API key;
 *   `stale` is one that was refused or ends soon, so a fresh one is wanted
 * @property {string} [url] of the stream; by default that of the page's own origin
 * @property {string[]} [topics] `all` (the default), `job.<id>`, `dataset.<id>`
 * @property {string[]} [types] such as `job.failed` or `job.*`; by default all
 * @property {string} [since] a cursor, `start` or `now` (the default); a kept offset wins
 * @property {Offsets} [offsets] see `storedIn`
 * @property {(event: TidemillEvent, at: {cursor: string, replay: boolean}) => void} [onEvent]
 * @property {(frame: {job_id: string, progress: object}) => void} [onProgress]
 * @property {(frame: {job_id: string, lines: object[], skipped?: number}) => void} [onLog]
 * @property {(frame: {reason: string, resume: string}) => void} [onGap] events are missing and
 *   cannot be had: read anew what you show
 * @property {(frame: {recovered?: boolean, cursor: string}) => void} [onLive] the replay is over
 * @property {(state: "connecting" | "open" | "waiting" | "closed") => void} [onState]
 * @property {(frame: object) => void} [onFrame] every frame as it came
 * @property {(error: Error & {code?: string | number}) => void} [onError] refused for good: closed
 */

/**
 * Offsets in localStorage, or in anything like it.
 * @param {string} key
 * @param {Pick<Storage, "getItem" | "setItem">} [storage]
 * @returns {Offsets}
 */
export function storedIn(key, storage = globalThis.localStorage) {
  return { load: () => storage.getItem(key), save: (cursor) => storage.setItem(key, cursor) };
}

/**
 * Milliseconds before the next try: full jitter on half a second, doubled by each failure.
 * @param {number} failures
 * @param {boolean} restarted the server said goodbye to everybody at once
 * @param {number} draw in [0, 1)
 */
export function delay(failures, restarted = false, draw = Math.random()) {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 16));
  return draw * (restarted ? Math.max(longest, RESTART_MS) : longest);
}

/** @param {Options} options @returns {Follower} */
export function follow(options) {
  const follower = new Follower(options);
  follower.open();
  return follower;
}

/** One subscription that outlives its sockets. */
export class Follower {
  #socket = null;
  #timer = null;
  #token;
  #refusals = 0;
  #failures = 0;
  #recovered;
  #seen = new Map();
  #closed = false;
  #live = false;

  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    /** Where a new socket goes on. @type {string | null | undefined} */
    this.cursor = options.offsets?.load();
  }

  /** Connect now; it reconnects by itself. */
  async open() {
    clearTimeout(this.#timer);
    this.#tell("onState", "connecting");
    try {
      this.#token = await this.options.token(this.#refusals ? this.#token : undefined);
    } catch (error) {
      return this.#again(error);
    }
    if (this.#closed) return undefined;
    const socket = new WebSocket(this.options.url ?? ownUrl(), SUBPROTOCOL);
    this.#socket = socket;
    socket.onopen = () => this.#send({ op: "auth", token: this.#token });
    socket.onmessage = ({ data }) => socket === this.#socket && this.#take(JSON.parse(data));
    socket.onclose = ({ code, reason }) => socket === this.#socket && this.#ended(code, reason);
    return undefined;
  }

  /** End for good. */
  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
    this.#tell("onState", "closed");
  }

  #send(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #tell(name, ...told) {
    this.options[name]?.(...told);
  }

  #take(frame) {
    this.#tell("onFrame", frame);
    switch (frame.op) {
      case "ready": return this.#join(frame);
      case "subscribed": this.#recovered = frame.recovered; return undefined;
      case "events": return frame.items.forEach((item) => this.#event(item, frame.replay === true));
      case "live": return this.#isLive(frame);
      case "progress": return this.#tell("onProgress", frame);
      case "log": return this.#tell("onLog", frame);
      case "gap": this.#reached(frame.resume); return this.#tell("onGap", frame);
      case "heartbeat": if (this.#live) this.#reached(frame.head); return undefined;
      case "auth_expiring": return this.#renew();
      case "error": return this.#refused(frame.code, frame.message);
      default: return undefined;
    }
  }

  /** The first `ready` of a socket; a later one confirms a renewed token. */
  #join({ head }) {
    if (this.#socket.joined) return;
    this.#socket.joined = true;
    this.#tell("onState", "open");
    const { topics = ["all"], types, since } = this.options;
    this.#send({ op: "subscribe", id: "s", topics, ...(types && { types }), since: this.cursor ?? since ?? "now" });
    // a socket that ends before its first event must not lose what happens meanwhile
    if (!this.cursor && (since ?? "now") === "now") this.#reached(head);
  }

  #event({ cursor, event }, replay) {
    const key = event.job_id ?? event.dataset_id ?? event.id;
    if (event.seq > (this.#seen.get(key) ?? 0)) {
      this.#seen.delete(key);
      this.#seen.set(key, event.seq);
      if (this.#seen.size > KNOWN_KEYS) this.#seen.delete(this.#seen.keys().next().value);
      this.#tell("onEvent", event, { cursor, replay });
    }
    this.#reached(cursor);
  }

  #isLive({ cursor }) {
    this.#live = true;
    this.#failures = this.#refusals = 0;
    this.#reached(cursor);
    this.#tell("onLive", { recovered: this.#recovered, cursor });
  }

  #reached(cursor) {
    if (cursor === this.cursor) return;
    this.cursor = cursor;
    this.options.offsets?.save(cursor);
  }

  async #renew() {
    const socket = this.#socket;
    try {
      this.#token = await this.options.token(this.#token);
      if (socket === this.#socket) this.#send({ op: "auth", token: this.#token });
    } catch {
      // the server closes the socket when the token ends, and that is tried again
    }
  }

  #ended(code, reason) {
    this.#socket = null;
    if (code === TOKEN_EXPIRED || (code === NOT_SIGNED_IN && reason !== LATE)) this.#refusals += 1;
    if (code === FORBIDDEN || code === BAD_FRAME || this.#refusals > 1) return this.#refused(code, reason);
    return this.#again(undefined, code === RESTART);
  }

  #again(_error, restarted = false) {
    this.#live = false;
    if (this.#closed) return;
    this.#tell("onState", "waiting");
    this.#timer = setTimeout(() => this.open(), delay(this.#failures, restarted));
    this.#failures += 1;
  }

  #refused(code, message) {
    this.close();
    this.#tell("onError", Object.assign(new Error(message || `closed with ${code}`), { code }));
  }
}

function ownUrl() {
  return new URL("/v1/stream", globalThis.location.href.replace(/^http/, "ws")).href;
}
