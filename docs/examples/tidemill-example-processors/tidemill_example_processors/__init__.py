"""Processors for Tidemill in a package of their own."""
