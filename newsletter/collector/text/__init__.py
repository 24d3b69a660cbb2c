"""Texts from outside made readable: HTML, TeX, names, dates and addresses."""
