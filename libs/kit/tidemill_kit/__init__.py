"""The chassis every service is built on."""
