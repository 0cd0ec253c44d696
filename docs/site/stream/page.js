// The test page of the live stream: sign in, subscribe, look at every frame.

import { follow } from "/docs/stream.js";

const SHOWN = 500;
const form = document.querySelector("#sign-in");
const frames = document.querySelector("#frames");
const show = (id, text) => document.querySelector(`#${id}`).replaceChildren(text);
const list = (text) => text.split(/[\s,]+/).filter(Boolean);
let live = null;
let count = 0;

async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.detail ?? told.title);
  return told;
}

// Tokens stay in this page's memory alone.
function tokens({ email, password, token }) {
  if (token) return () => token;
  let pair = null;
  return async (stale) => {
    if (!pair) pair = await post("/v1/auth/token", { email, password });
    else if (stale) pair = await post("/v1/auth/refresh", { refresh_token: pair.refresh_token });
    return pair.access_token;
  };
}

function brief(frame) {
  const events = (frame.items ?? []).map(({ cursor, event }) => `${cursor} ${event.type}`);
  const rest = frame.message ?? frame.reason ?? frame.job_id ?? frame.cursor ?? frame.head ?? "";
  return events.join(", ") || String(rest);
}

function add(frame) {
  show("count", String(++count));
  show("cursor", live?.cursor ?? "-");
  const entry = document.createElement("details");
  const summary = document.createElement("summary");
  const [op, text, body] = ["code", "span", "pre"].map((name) => document.createElement(name));
  op.textContent = frame.op;
  text.textContent = brief(frame);
  body.textContent = JSON.stringify(frame, null, 2);
  summary.append(op, text);
  entry.append(summary, body);
  const item = document.createElement("li");
  item.append(entry);
  frames.prepend(item);
  while (frames.childElementCount > SHOWN) frames.lastElementChild.remove();
}

async function connect(event) {
  event.preventDefault();
  live?.close();
  show("problem", "");
  const given = Object.fromEntries(new FormData(form));
  const token = tokens(given);
  try {
    await token();
  } catch (error) {
    show("problem", error.message);
    return;
  }
  live = follow({
    token,
    topics: list(given.topics),
    types: given.types ? list(given.types) : undefined,
    since: given.since || "now",
    onFrame: add,
    onState: (state) => show("state", state),
    onError: (error) => show("problem", `${error.code}: ${error.message}`),
  });
}

form.addEventListener("submit", connect);
document.querySelector("#close").addEventListener("click", () => live?.close());
document.querySelector("#clear").addEventListener("click", () => frames.replaceChildren());
