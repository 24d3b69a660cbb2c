"""Doors made of pages: app.py for the subscribers, app.py for who maintains the newsletter."""
