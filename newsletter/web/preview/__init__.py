"""The preview site: any reader's mail before it is sent, for maintainers on their own machine."""
