"""One JSON form a thing: for `--format json`, the preview site, and an API to come."""
