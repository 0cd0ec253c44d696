"""The web app of Tidemill."""
