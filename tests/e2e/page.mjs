// A page that follows the stream: what it is told goes to stdout, tokens come from stdin.
import { createInterface } from "node:readline";

const [module, given] = process.argv.slice(2);
const { follow, storedIn } = await import(module);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (call, ...told) => process.stdout.write(`${JSON.stringify({ call, told })}\n`);
const { kept, ...options } = JSON.parse(given);
const storage = { getItem: () => kept ?? null, setItem: (key, value) => say("kept", value) };
const calls = ["onEvent", "onProgress", "onGap", "onLive", "onState", "onFrame", "onError"];

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
