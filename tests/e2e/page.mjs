// A page that follows the stream: what it is told goes to stdout, tokens come from stdin.
import { createInterface } from "node:readline";

const [module, given] = process.argv.slice(2);
const { follow, storedIn } = await import(module);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (call, ...told) => process.stdout.write(`${JSON.stringify({ call, told })}\n`);
const { kept, busy = [], ...options } = JSON.parse(given);
const storage = { getItem: () => kept ?? null, setItem: (key, value) => say("kept", value) };
const calls = ["onEvent", "onProgress", "onGap", "onLive", "onState", "onFrame", "onError"];

// a page with other things to do: so many milliseconds pass before each of its first frames goes
const clock = new Int32Array(new SharedArrayBuffer(4));
globalThis.WebSocket = class extends WebSocket {
  send(frame) {
    if (busy.length) Atomics.wait(clock, 0, 0, busy.shift());
    super.send(frame);
  }
};

follow({
  ...options,
  offsets: storedIn("place", storage),
  token: async (stale) => {
    say("token", stale ?? null);
    return (await lines.next()).value;
  },
  ...Object.fromEntries(calls.map((name) => [name, (...told) => {
    if (name === "onError") [told[0]] = [{ code: told[0].code, message: told[0].message }];
    say(name, ...told);
  }])),
});
