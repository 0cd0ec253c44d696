import type { Schema } from "@/api/http";

/** How a webhook is doing. */
export function statusOf(webhook: Schema["Webhook"]): string {
  if (!webhook.enabled) return webhook.disabled_reason ? "failed" : "paused";
  return webhook.failing_since ? "retrying" : "active";
}
