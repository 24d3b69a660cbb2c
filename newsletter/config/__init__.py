"""Settings: what the configuration file and the environment say, checked, with defaults for the rest."""

from newsletter.config.loading import PLACES, load, secret_files
from newsletter.config.resources import THEME, resource
from newsletter.config.secrets import BOUNCE_SECRETS, MULTILINE_SECRETS, SECRETS
from newsletter.config.sections import (
    BouncesSection,
    DkimSection,
    DomainSection,
    NewsletterSection,
    RelaySection,
    ScheduleSection,
    SelectionSection,
    SignupSection,
    SmtpSection,
    SourceSection,
    StoreSection,
    SummarySection,
    ThemeSection,
    WebSection,
)
from newsletter.config.settings import Settings
from newsletter.config.values import (
    MOST_PICKS,
    WEEKDAYS,
    EditionSize,
    Hour,
    Share,
    Timezone,
    Weekday,
    initial,
    parse_duration,
)

__all__ = [
    "BOUNCE_SECRETS",
    "MOST_PICKS",
    "MULTILINE_SECRETS",
    "PLACES",
    "SECRETS",
    "THEME",
    "WEEKDAYS",
    "BouncesSection",
    "DkimSection",
    "DomainSection",
    "EditionSize",
    "Hour",
    "NewsletterSection",
    "RelaySection",
    "ScheduleSection",
    "SelectionSection",
    "Settings",
    "Share",
    "SignupSection",
    "SmtpSection",
    "SourceSection",
    "StoreSection",
    "SummarySection",
    "ThemeSection",
    "Timezone",
    "WebSection",
    "Weekday",
    "initial",
    "load",
    "parse_duration",
    "resource",
    "secret_files",
]
