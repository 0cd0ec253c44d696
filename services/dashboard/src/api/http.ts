/** Calls of the API, typed by its OpenAPI document. */
import { read, write } from "@/api/json";
import { Problem, type ProblemBody } from "@/api/problem";
import { accessToken } from "@/api/session";
import type { components, paths } from "@/generated/api";

export type Schema = components["schemas"];
/** What is sent may leave out what has a default; an open object takes anything. */
export type Loose<T> =
  T extends Record<string, never>
    ? Record<string, unknown>
    : T extends readonly (infer E)[]
      ? Loose<E>[]
      : T extends object
        ? { [K in keyof T]?: Loose<T[K]> }
        : T;
type Method = "get" | "post" | "patch" | "delete";
type Operation<P extends keyof paths, M extends Method> = NonNullable<paths[P][M]>;
type PathsWith<M extends Method> = {
  [P in keyof paths]: paths[P][M] extends object ? P : never;
}[keyof paths];
type Query<O> = O extends { parameters: { query?: infer Q } } ? NonNullable<Q> : never;
type PathParameters<O> = O extends { parameters: { path: infer P } } ? P : undefined;
type Body<O> = O extends { requestBody?: { content: { "application/json": infer B } } }
  ? Loose<B>
  : never;
type Content<R, S extends number> =
  R extends Record<S, { content: { "application/json": infer T } }> ? T : never;
type Answer<O> = O extends { responses: infer R }
  ? Content<R, 200> | Content<R, 201> | Content<R, 202>
  : never;

export interface Options<O> {
  path?: PathParameters<O>;
  query?: Query<O>;
  body?: Body<O>;
  signal?: AbortSignal;
  /** The same key twice is the same order. */
  key?: string;
}

function address(template: string, path: unknown, query: unknown): string {
  const filled = template.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String((path as Record<string, unknown>)[name])),
  );
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries((query ?? {}) as Record<string, unknown>)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== "") search.append(name, String(one));
    }
  }
  return search.size ? `${filled}?${search}` : filled;
}

export async function problemOf(answer: Response): Promise<Problem> {
  const after = Number(answer.headers.get("Retry-After")) || null;
  try {
    return new Problem(read(await answer.text()) as ProblemBody, after);
  } catch {
    const title = `The server answered ${answer.status}.`;
    return new Problem(
      { type: "about:blank", title, status: answer.status, code: "http_error", request_id: "" },
      after,
    );
  }
}

/** With the caller's token; once more with a new one where it is refused. */
export async function authorized(url: string, init: RequestInit = {}): Promise<Response> {
  const send = async (token: string | null) => {
    const headers = new Headers(init.headers);
    if (token) headers.set("Authorization", `Bearer ${token}`);
    return await fetch(url, { ...init, headers });
  };
  const answer = await send(await accessToken());
  if (answer.status !== 401) return answer;
  const renewed = await accessToken({ fresh: true });
  return renewed ? await send(renewed) : answer;
}

async function call(method: Method, url: string, options: Options<unknown>): Promise<unknown> {
  const headers = new Headers({ Accept: "application/json" });
  const init: RequestInit = { method: method.toUpperCase(), headers };
  if (options.signal) init.signal = options.signal;
  if (options.key) headers.set("Idempotency-Key", options.key);
  if (options.body !== undefined) {
    headers.set("Content-Type", "application/json");
    init.body = write(options.body);
  }
  const answer = await authorized(url, init);
  if (!answer.ok) throw await problemOf(answer);
  const text = await answer.text();
  return text === "" ? null : read(text);
}

function verb<M extends Method>(method: M) {
  return async <P extends PathsWith<M>>(
    template: P,
    options: Options<Operation<P, M>> = {},
  ): Promise<Answer<Operation<P, M>>> => {
    const url = address(template, options.path, options.query);
    return (await call(method, url, options as Options<unknown>)) as Answer<Operation<P, M>>;
  };
}

export const get = verb("get");
export const post = verb("post");
export const patch = verb("patch");
export const remove = verb("delete");

/** A JSON value that the OpenAPI document leaves open. */
export async function getValue<T>(url: string, signal?: AbortSignal): Promise<T> {
  return (await call("get", url, signal ? { signal } : {})) as T;
}
