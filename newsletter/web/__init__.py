"""Web pages: public/ for subscribers and visitors, preview/ for who maintains the newsletter."""
