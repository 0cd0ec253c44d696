import { expect, it } from "vitest";
import { fingerprintOf, Meter } from "@/pages/datasets/parts";

it("knows a file again by what the browser tells of it", () => {
  const file = { name: "méteo 2024.csv", size: 7, lastModified: 1 };

  expect(fingerprintOf(file)).toBe("m_teo_2024.csv:7:1");
  expect(fingerprintOf({ ...file, size: 8 })).not.toBe(fingerprintOf(file));
  expect(fingerprintOf({ ...file, name: "x".repeat(300) }).length).toBeLessThan(128);
});

it("counts the bytes of parts that are stored, sent and sent again", () => {
  const shares: number[] = [];
  const meter = new Meter(100, (share) => shares.push(share));

  meter.stored([
    { number: 1, offset: 0, size_bytes: 50, stored: true },
    { number: 2, offset: 50, size_bytes: 50, stored: false },
  ]);
  meter.sent(2, 25);
  meter.sent(2, 0);
  meter.sent(2, 50);

  expect(shares).toEqual([0.5, 0.75, 0.5, 1]);
});
