"""The public site: the subscribers' pages, past issues, feeds, and web hooks for providers."""
