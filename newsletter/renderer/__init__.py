"""From editions to finished mails. Templates are compiled once; preview and send take the same path.

renderer = Renderer(load_templates(Path("templates/weekly")), masthead)
prepared = renderer.open(issue, entries)
mail = prepared.render(edition, links, message_id, date)
"""

from newsletter.renderer.compile import load_kind, load_templates, own_folder, wanted_templates
from newsletter.renderer.confirmation import Confirmation
from newsletter.renderer.lint_all import find_all
from newsletter.renderer.renderer import MultilingualIssue, Renderer, make_renderer
from newsletter.renderer.theme import themed

__all__ = [
    "Confirmation",
    "MultilingualIssue",
    "Renderer",
    "find_all",
    "load_kind",
    "load_templates",
    "make_renderer",
    "own_folder",
    "themed",
    "wanted_templates",
]
