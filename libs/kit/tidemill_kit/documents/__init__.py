"""Documents made from the code: API, events, settings, problems."""
