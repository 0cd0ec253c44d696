/** The token of a one-time link stands behind its `#`, which no server and no log gets to see. */
export function linkToken(): string {
  return decodeURIComponent(location.hash.slice(1));
}
