/** Numbers, sizes and times as people read them. */
const COUNTS = new Intl.NumberFormat("en");
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const FIGURES = new Intl.NumberFormat("en", { maximumSignificantDigits: 6 });
// making one of these costs a hundred times what using it does
const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const DATES = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const UNITS = ["B", "kB", "MB", "GB", "TB"];

export function counted(value: number | bigint | null | undefined): string {
  return value === null || value === undefined ? "–" : COUNTS.format(value);
}

export function short(value: number): string {
  return SHORT.format(value);
}

export function sized(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined) return "–";
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(unit === 0 || value >= 100 ? 0 : 1)} ${UNITS[unit]}`;
}

export function lasted(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return "–";
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1000)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48
    ? `${hours} h ${minutes % 60} min`
    : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function ago(at: string | number, now: number): string {
  const ms = now - (typeof at === "number" ? at : Date.parse(at));
  if (ms < 0) return `in ${lasted(-ms)}`;
  if (ms < 5000) return "just now";
  if (ms < 60_000) return `${Math.floor(ms / 1000)} s ago`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ago`;
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h ago`;
  return `${Math.floor(ms / 86_400_000)} d ago`;
}

export function clock(at: string | number): string {
  const moment = new Date(at);
  return `${CLOCK.format(moment)}.${String(moment.getMilliseconds()).padStart(3, "0")}`;
}

export function dated(at: string | number): string {
  return DATES.format(new Date(at));
}

/** A value of a table's cell or a result, exact: integers are never rounded. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number")
    return Number.isInteger(value) ? value.toString() : FIGURES.format(value);
  return typeof value === "string"
    ? value
    : JSON.stringify(value, (_, each) => (typeof each === "bigint" ? each.toString() : each));
}
