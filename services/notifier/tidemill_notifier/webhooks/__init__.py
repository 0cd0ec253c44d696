"""Outgoing webhooks: a tenant's events, signed and sent to addresses of its own."""
