"""Reports on mails that did not arrive, or were not wanted: read, judged, told in one vocabulary."""

from newsletter.bounces.read import read_mail
from newsletter.bounces.reasons import EFFECTS, Effect, Reason
from newsletter.bounces.report import BounceReport, RecipientReport, ReportKind

__all__ = ["EFFECTS", "BounceReport", "Effect", "Reason", "RecipientReport", "ReportKind", "read_mail"]
