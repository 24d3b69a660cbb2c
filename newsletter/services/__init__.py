"""Services: one use case each."""
