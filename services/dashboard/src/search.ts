/** What stands behind the `?` of an address: words, never numbers, so that the cursor 1.10 stays itself. */

export function parseSearch(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text));
}

export function stringifySearch(search: Record<string, unknown>): string {
  const words = Object.entries(search).filter(([, value]) => value !== undefined && value !== null);
  const text = new URLSearchParams(words.map(([name, value]) => [name, String(value)])).toString();
  return text && `?${text}`;
}
