// Runs docs/site/reference.js on as much of a document as it uses; prints the page's text.
import { readFileSync } from "node:fs";

const [module, api, events] = process.argv.slice(2);

class Element {
  constructor(name) { Object.assign(this, { name, children: [], id: "" }); }
  append(...children) { this.children.push(...children); }
  remove() { this.gone = true; }
  addEventListener() {}
  querySelectorAll() { return []; }
  get text() {
    return this.written ?? this.children.map((each) => each?.text ?? String(each)).join(" ");
  }
  set textContent(text) { this.written = text; }
}

const places = new Map();
globalThis.HTMLDetailsElement = Element;
globalThis.addEventListener = () => {};
globalThis.location = { hash: "" };
globalThis.document = {
  createElement: (name) => new Element(name),
  getElementById: () => null,
  querySelector: (name) => places.get(name) ?? places.set(name, new Element(name)).get(name),
};
globalThis.fetch = async (path) => {
  const file = path === "/openapi.json" ? api : events;
  return { json: async () => JSON.parse(readFileSync(file, "utf8")) };
};
await import(module);
await new Promise(setImmediate);
await new Promise(setImmediate);
process.stdout.write(JSON.stringify({
  failed: places.get("#state").written ?? null,
  contents: places.get("#contents").children.map((each) => each.text),
  text: places.get("#reference").text,
}));
