/** Yesterday at the last full hour, so that the same answer is shared for a while. */
export function dayAgo(): string {
  const at = new Date(Date.now() - 86_400_000);
  at.setMinutes(0, 0, 0);
  return at.toISOString();
}
