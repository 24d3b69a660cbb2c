"""Fetching what sources offer: over http(s), politely, within limits, and only from the public internet."""
