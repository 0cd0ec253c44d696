import { expect, it } from "vitest";
import { read, write } from "@/api/json";
import { matches, readFilter, withQualifier } from "@/live/filter";
import type { AnyEvent } from "@/live/frames";
import type { Job } from "@/live/jobs";
import { foldPage } from "@/live/lists";
import { count, emptyTally, series } from "@/live/tally";

const ANY = { status: [], labels: {}, system: false };
const submitted = (id: string, at: string): AnyEvent =>
  ({
    type: "job.submitted",
    id: `e-${id}`,
    at,
    tenant_id: "t",
    job_id: id,
    seq: 1,
    steps: [],
    status: "queued",
  }) as AnyEvent;
const ended = (id: string, at: string): AnyEvent =>
  ({
    type: "job.cancelled",
    id: `f-${id}`,
    at,
    tenant_id: "t",
    job_id: id,
    seq: 2,
    cancel: {},
  }) as AnyEvent;

it("keeps every digit of an integer", () => {
  const text = '{"id":9007199254740993,"x":0.5}';

  expect(read(text)).toEqual({ id: 9007199254740993n, x: 0.5 });
  expect(write(read(text))).toBe(text);
});

it("reads the filter's words and says which are none", () => {
  const { filter, mistakes } = readFilter(
    'status:failed,expired processor:normalize label:team="data one" oops',
  );

  expect(filter).toEqual({
    status: ["failed", "expired"],
    processor: "normalize",
    labels: { team: "data one" },
    system: false,
  });
  expect(mistakes).toHaveLength(1);
});

it("replaces a qualifier and leaves the others", () => {
  expect(withQualifier("status:failed queue:slow", "status", "running")).toBe(
    "queue:slow status:running",
  );
  expect(withQualifier("status:failed queue:slow", "status", null)).toBe("queue:slow");
});

it("puts new jobs first and drops those that do not fit any more", () => {
  const filter = { ...ANY, status: ["queued" as const] };
  const events = [
    submitted("a", "2026-11-22T08:00:01Z"),
    submitted("b", "2026-11-22T08:00:02Z"),
    ended("a", "2026-11-22T08:00:03Z"),
  ];

  const { value } = foldPage({ items: [] }, events, { filter, first: true, limit: 50 });

  expect(value.items.map((job) => job.id)).toEqual(["b"]);
});

it("leaves a page alone that no event is about", () => {
  const page = { items: [] as Job[] };

  expect(
    foldPage(page, [ended("x", "2026-11-22T08:00:03Z")], { filter: ANY, first: true, limit: 50 })
      .value,
  ).toBe(page);
});

it("finds a job by its labels", () => {
  const job = { status: "queued", steps: [], labels: { team: "x" } } as unknown as Job;

  expect(matches({ ...ANY, labels: { team: "x" } }, job)).toBe(true);
  expect(matches({ ...ANY, labels: { team: "y" } }, job)).toBe(false);
});

it("counts what happened in each second, each job once", () => {
  const tally = emptyTally();
  const at = "2026-11-22T08:00:01Z";

  count(tally, [submitted("a", at), submitted("a", at), ended("a", "2026-11-22T08:00:02Z")]);

  const drawn = series(tally, Date.parse("2026-11-22T08:00:04Z"), 10, 5);
  expect(drawn.submitted).toEqual([0, 0.2]);
  expect(drawn.p50).toEqual([null, 1000]);
});
