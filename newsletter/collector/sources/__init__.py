"""The kinds of source: one file each, which says how its answers are asked for and read."""
