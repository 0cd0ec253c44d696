/** The filter of the job list: `status:failed processor:normalize label:team=data`. */
import type { Schema } from "@/api/http";
import { type Job, type JobStatus, STATUSES } from "@/live/jobs";

export interface Filter {
  status: JobStatus[];
  processor?: string;
  queue?: string;
  pipeline?: string;
  retry_of?: string;
  labels: Record<string, string>;
  created_after?: string;
  created_before?: string;
  system: boolean;
}

export interface ReadFilter {
  filter: Filter;
  mistakes: string[];
}

const TOKEN = /(?:[^\s"]+|"[^"]*")+/g;
const WORDS = ["processor", "queue", "pipeline", "retry_of"] as const;
const DAY = /^\d{4}-\d{2}-\d{2}/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
export const QUALIFIERS = [
  "status:",
  "processor:",
  "queue:",
  "pipeline:",
  "label:",
  "after:",
  "before:",
  "retry_of:",
  "system:true",
] as const;

type Take = (filter: Filter, value: string) => string | undefined;

const TAKES: Record<string, Take> = {
  status(filter, value) {
    for (const each of value.split(",")) {
      if (!STATUSES.includes(each as JobStatus)) return `There is no status “${each}”.`;
      if (!filter.status.includes(each as JobStatus)) filter.status.push(each as JobStatus);
    }
    return undefined;
  },
  label(filter, value) {
    const at = value.indexOf("=");
    if (at < 1) return "A label has the form label:key=value.";
    filter.labels[value.slice(0, at)] = value.slice(at + 1);
    return undefined;
  },
  after: (filter, value) => moment(value, (at) => Object.assign(filter, { created_after: at })),
  before: (filter, value) => moment(value, (at) => Object.assign(filter, { created_before: at })),
  retry_of(filter, value) {
    if (!UUID.test(value)) return `“${value}” is no id of a job.`;
    filter.retry_of = value;
    return undefined;
  },
  system(filter, value) {
    filter.system = value === "true";
    return undefined;
  },
};
for (const word of WORDS) {
  TAKES[word] ??= (filter, value) => {
    Object.assign(filter, { [word]: value });
    return undefined;
  };
}

function moment(value: string, keep: (at: string) => void): string | undefined {
  const at = new Date(value);
  if (!DAY.test(value) || Number.isNaN(at.getTime()))
    return `“${value}” is no date like 2026-11-22.`;
  keep(at.toISOString());
  return undefined;
}

/** What the words ask for, and which of them say nothing. */
export function readFilter(text: string): ReadFilter {
  const filter: Filter = { status: [], labels: {}, system: false };
  const mistakes: string[] = [];
  for (const token of text.match(TOKEN) ?? []) {
    const colon = token.indexOf(":");
    const name = token.slice(0, colon);
    const value = token.slice(colon + 1).replaceAll('"', "");
    const take = colon > 0 ? TAKES[name] : undefined;
    if (!take) mistakes.push(`“${token}”: write a qualifier, such as status:failed.`);
    else if (value === "") mistakes.push(`“${token}” needs a value.`);
    else {
      const mistake = take(filter, value);
      if (mistake) mistakes.push(mistake);
    }
  }
  return { filter, mistakes };
}

/** The text with this qualifier set, or gone where there is no value. */
export function withQualifier(text: string, name: string, value: string | null): string {
  const others = (text.match(TOKEN) ?? []).filter((token) => !token.startsWith(`${name}:`));
  const quoted = value && /\s/.test(value) ? `"${value}"` : value;
  return [...others, ...(quoted ? [`${name}:${quoted}`] : [])].join(" ");
}

/** As the list takes it. */
export function asQuery(filter: Filter) {
  const { labels, system, ...others } = filter;
  const label = Object.entries(labels).map(([key, value]) => `${key}:${value}`);
  return { ...others, label, ...(system && { system }) };
}

/** As the bulk order takes it. */
export function asJobFilter(filter: Filter): Schema["JobFilter"] {
  return filter as Schema["JobFilter"];
}

export function matches(filter: Filter, job: Job, system = false): boolean {
  return (
    (filter.system || !system) &&
    (filter.status.length === 0 || filter.status.includes(job.status)) &&
    (!filter.processor || job.steps.some((step) => step.processor === filter.processor)) &&
    (!filter.queue || job.queue === filter.queue) &&
    (!filter.pipeline || job.pipeline === filter.pipeline) &&
    (!filter.retry_of || job.retry_of === filter.retry_of) &&
    (!filter.created_after || job.created_at >= filter.created_after) &&
    (!filter.created_before || job.created_at < filter.created_before) &&
    Object.entries(filter.labels).every(([key, value]) => job.labels?.[key] === value)
  );
}
