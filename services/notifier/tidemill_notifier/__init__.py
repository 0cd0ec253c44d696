"""The notifier service of Tidemill."""
