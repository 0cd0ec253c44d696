"""The identity service of Tidemill."""
