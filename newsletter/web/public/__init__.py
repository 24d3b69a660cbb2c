"""The subscribers' pages."""
