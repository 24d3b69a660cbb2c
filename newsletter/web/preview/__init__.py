"""The preview site, for maintainers on their own machine."""
