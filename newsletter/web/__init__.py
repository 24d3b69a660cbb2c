"""Doors made of pages: app.py for the subscribers, preview.py for who maintains the newsletter."""
