// What a first visit loads, gzipped: the entry with all it imports at once. Fails above the limit.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT_KB = 250;
const site = new URL("../tidemill_dashboard/built/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL("manifest.json", site), "utf8"));
const files = new Set();

function take(name) {
  const chunk = manifest[name];
  if (files.has(chunk.file)) return;
  files.add(chunk.file);
  for (const style of chunk.css ?? []) files.add(style);
  for (const imported of chunk.imports ?? []) take(imported);
}

take("index.html");
const sizes = [...files].map((file) => [file, gzipSync(readFileSync(new URL(file, site))).length]);
const total = sizes.reduce((sum, [, size]) => sum + size, 0) / 1000;
for (const [file, size] of sizes) process.stdout.write(`${(size / 1000).toFixed(1)} kB  ${file}\n`);
process.stdout.write(`first load: ${total.toFixed(1)} kB gzip of ${LIMIT_KB} kB\n`);
process.exit(total > LIMIT_KB ? 1 : 0);
