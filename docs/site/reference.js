// The reference: what /openapi.json and /asyncapi.json say, made readable.

const reference = document.querySelector("#reference");
const contents = document.querySelector("#contents");

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child != null));
  return made;
}

const code = (text) => element("code", {}, text);
const named = ($ref) => $ref.split("/").at(-1);

// Text with `code` in it.
function prose(text = "") {
  const parts = text.split("`").map((part, at) => (at % 2 ? code(part) : part));
  return element("p", {}, ...parts);
}

// A schema as the reader says it: `list of Job`, `text ≤ 63`, `text or null`.
function kind(schema) {
  if (schema.$ref) {
    const name = named(schema.$ref);
    return [element("a", { href: `#${name}` }, name)];
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.flatMap((each, at) => (at ? [" or ", ...kind(each)] : kind(each)));
  if (schema.enum) return [schema.enum.map((each) => JSON.stringify(each)).join(" | ")];
  if ("const" in schema) return [JSON.stringify(schema.const)];
  if (schema.type === "array") return ["list of ", ...kind(schema.items ?? {})];
  return [[schema.format ?? schema.type ?? "anything", ...bounds(schema)].join(" ")];
}

function bounds(schema) {
  const signs = {
    minimum: "≥", maximum: "≤", exclusiveMinimum: ">", minLength: "length ≥", maxLength: "length ≤",
    maxItems: "items ≤", maxProperties: "members ≤", pattern: "like",
  };
  return Object.entries(signs).flatMap(([key, sign]) => (key in schema ? [`${sign} ${schema[key]}`] : []));
}

function table(heads, rows) {
  const cells = (name, row) => element("tr", {}, ...row.map((cell) => element(name, {}, ...[cell].flat())));
  return element("table", {},
    element("thead", {}, cells("th", heads)),
    element("tbody", {}, ...rows.map((row) => cells("td", row))));
}

function fields(schema) {
  if (!schema.properties) return element("p", {}, ...kind(schema));
  const rows = Object.entries(schema.properties).map(([name, field]) => [
    code(name),
    kind(field),
    schema.required?.includes(name) ? "required" : defaultOf(field),
  ]);
  return rows.length ? table(["field", "takes", ""], rows) : element("p", {}, "No fields.");
}

function defaultOf(field) {
  const known = field.default != null && field.default !== "";
  return known ? `default ${JSON.stringify(field.default)}` : "";
}

function part(title, ...children) {
  const present = children.filter((child) => child != null);
  return present.length ? element("div", {}, element("h3", {}, title), ...present) : null;
}

function bodies(content = {}) {
  const rows = Object.entries(content).map(([type, { schema }]) => [code(type), kind(schema)]);
  return rows.length ? table(["media type", "holds"], rows) : null;
}

function operation(path, method, spec) {
  const parameters = (spec.parameters ?? []).map((each) => [
    code(each.name),
    `${each.in}${each.required ? ", required" : ""}`,
    kind(each.schema),
    [prose(each.description ?? defaultOf(each.schema))],
  ]);
  const role = spec.security[0]?.bearer[0];
  const answers = Object.entries(spec.responses).filter(([status]) => status !== "default");
  return element("details", { id: spec.operationId },
    element("summary", {},
      element("code", { className: `method ${method}` }, method.toUpperCase()),
      code(path),
      element("span", {}, spec.summary.replaceAll("`", "")),
      element("span", { className: "role" }, role ?? "public")),
    element("div", {},
      spec.description ? prose(spec.description) : null,
      part("Parameters", parameters.length ? table(["name", "in", "takes", ""], parameters) : null),
      part("Body", bodies(spec.requestBody?.content)),
      ...answers.map(([status, { description, content }]) =>
        part(`${status} ${description}`, bodies(content) ?? element("p", {}, "No body.")))));
}

function message(id, spec) {
  return element("details", { id },
    element("summary", {}, code(spec.name), element("span", {}, spec.summary)),
    element("div", {}, part("Payload", element("p", {}, ...kind(spec.payload)))));
}

function section(id, title, ...children) {
  contents.append(element("a", { href: `#${id}` }, title));
  reference.append(element("section", { id }, element("h2", {}, title), ...children));
}

function showApi(api) {
  document.querySelector("#version").textContent = api.info.version;
  const byTag = new Map();
  for (const [path, operations] of Object.entries(api.paths)) {
    for (const [method, spec] of Object.entries(operations)) {
      const tag = spec.tags[0];
      byTag.set(tag, [...(byTag.get(tag) ?? []), operation(path, method, spec)]);
    }
  }
  for (const [tag, operations] of byTag) section(tag.toLowerCase(), tag, ...operations);
}

const ofStream = ({ address }) => address.startsWith("/");
const ofFacts = ({ address }) => address.startsWith("tm.event.");

// A channel with what is sent over it, one operation after the other.
function channel(name, { operations, components }) {
  const here = Object.values(operations).filter((each) => named(each.channel.$ref) === name);
  return here.flatMap((each) => [
    element("h3", {}, each.summary),
    ...each.messages.map(({ $ref }) => message(`message-${named($ref)}`, components.messages[named($ref)])),
  ]);
}

function closeCodes({ address, "x-close-codes": codes = {} }) {
  if (!ofStream({ address })) return [];
  const rows = Object.entries(codes).map(([code_, meaning]) => [code(code_), [prose(meaning)]]);
  return [element("h3", {}, "Why the server closes a socket"), table(["code", "means"], rows)];
}

function showEvents(events) {
  const all = Object.entries(events.channels);
  const shown = ([name, spec]) => [
    prose(`\`${spec.address}\`: ${spec.description}`),
    ...channel(name, events),
    ...closeCodes(spec),
  ];
  for (const each of all.filter(([, spec]) => ofStream(spec))) section("live", each[1].title, ...shown(each));
  section("facts", "Event catalogue", ...all.filter(([, spec]) => ofFacts(spec)).flatMap(shown));
  for (const each of all.filter(([, spec]) => !ofStream(spec) && !ofFacts(spec))) {
    section(`channel-${each[0]}`, each[1].title, ...shown(each));
  }
}

function showSchemas(schemas) {
  const sorted = Object.entries(schemas).sort(([one], [other]) => one.localeCompare(other));
  section("schemas", "Schemas", ...sorted.map(([name, schema]) =>
    element("details", { id: name },
      element("summary", {}, code(name)),
      element("div", {}, schema.description ? prose(schema.description) : null, fields(schema)))));
}

// A link into something closed opens it.
function open() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
  target?.scrollIntoView();
}

function filter({ target }) {
  const wanted = target.value.trim().toLowerCase();
  for (const each of reference.querySelectorAll("details")) {
    each.hidden = !each.textContent.toLowerCase().includes(wanted);
  }
  for (const each of reference.querySelectorAll("section")) {
    each.hidden = wanted !== "" && !each.querySelector("details:not([hidden])");
  }
}

async function show() {
  const state = document.querySelector("#state");
  try {
    const answers = await Promise.all([fetch("/openapi.json"), fetch("/asyncapi.json")]);
    const [api, events] = await Promise.all(answers.map((answer) => answer.json()));
    state.remove();
    showApi(api);
    showEvents(events);
    showSchemas({ ...events.components.schemas, ...api.components.schemas });
    open();
  } catch (error) {
    state.textContent = `The reference could not be loaded: ${error}`;
  }
}

document.querySelector("#filter").addEventListener("input", filter);
addEventListener("hashchange", open);
show();
