"""The ingestion service of Tidemill."""
