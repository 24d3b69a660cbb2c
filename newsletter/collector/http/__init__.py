"""Fetch what sources offer: over http(s), within limits of rate, time and size, and only from the public internet."""
