"""The groups of the `tidemill` command."""
