"""The processor service of Tidemill."""
