"""The JSON forms of what services return, for the command line, the pages and their scripts. Pure: values in, rows out."""
