"""The jobs service of Tidemill."""
