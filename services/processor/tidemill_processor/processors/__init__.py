"""The built-in processors, one module each (or one family)."""
