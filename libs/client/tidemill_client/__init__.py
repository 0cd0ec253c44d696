"""The typed client of Tidemill and the `tidemill` command."""
