import { expect, it } from "vitest";
import { type Dataset, type DatasetEvent, foldDataset } from "@/live/lists";
import { orderOf, startOf } from "@/pages/datasets/reading";

const DATASET = {
  id: "d",
  name: "a.csv",
  status: "ready",
  format: "csv",
  rows: 3,
  columns: [{ name: "a", type: "int64", nulls: 0 }],
  detected: { format: "csv", encoding: "utf-8", delimiter: "\t", quote: '"', header: true },
  options: { types: { a: "int64" } },
  seq: 3,
} as unknown as Dataset;
const event = (seq: number, type: string, more: object) =>
  ({
    type,
    seq,
    id: `e-${seq}`,
    at: "2026-11-22T08:00:01Z",
    dataset_id: "d",
    ...more,
  }) as DatasetEvent;

it("starts with what was detected, and asks for what is written", () => {
  const said = startOf(DATASET);

  expect(said).toMatchObject({
    format: "csv",
    delimiter: "tab",
    header: "true",
    contract: "evolve",
  });
  expect(orderOf({ ...said, delimiter: ";", quote: "", header: null })).toEqual({
    format: "csv",
    encoding: "utf-8",
    delimiter: ";",
    contract: "evolve",
    types: { a: "int64" },
  });
});

it("asks for the lines to skip and the decimal mark of tables of text alone", () => {
  const detected = { ...DATASET.detected, skip: 2, decimal: "," };
  const said = startOf({ ...DATASET, detected } as unknown as Dataset);

  expect(orderOf({ ...said, skip: 0 })).toMatchObject({ skip: 0, decimal: "," });
  expect(orderOf(said)).toMatchObject({ skip: 2, decimal: "," });
  expect(orderOf({ ...said, format: "json" })).not.toHaveProperty("skip");
  expect(orderOf({ ...said, format: "json" })).not.toHaveProperty("decimal");
});

it("asks nothing of rows where a format has none", () => {
  const said = startOf(DATASET);

  expect(orderOf({ ...said, format: "parquet", types: [] })).toEqual({
    format: "parquet",
    contract: "evolve",
    types: {},
  });
});

it("starts with what failed the last time", () => {
  const options = { delimiter: "|" };
  const reading = { job_id: "j", begun_at: "", options, error: { code: "c", message: "m" } };

  expect(startOf({ ...DATASET, reading } as unknown as Dataset)).toMatchObject({
    delimiter: "|",
    header: null,
  });
});

it("keeps the former table while it is read again, and if that fails", () => {
  const options = { delimiter: "|" };
  const failed = { job_id: "e-4", options, error: { code: "c", message: "m" } };

  const during = foldDataset(DATASET, event(4, "dataset.uploaded", { options }));
  const after = foldDataset(during, event(5, "dataset.ready", { reading: failed }));

  expect(during).toMatchObject({ status: "validating", rows: 3, reading: { job_id: "e-4" } });
  expect(after).toMatchObject({ status: "ready", rows: 3, reading: failed });
});

it("forgets what failed once there is a new table", () => {
  const failed = { ...DATASET, reading: { error: {} } } as unknown as Dataset;
  const ingested = { format: "csv", rows: 9, columns: [] };

  const after = foldDataset(failed, event(4, "dataset.ready", { ingested }));

  expect([after.rows, after.reading]).toEqual([9, undefined]);
});
