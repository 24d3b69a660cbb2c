"""TL;DRs for news that has none, within a budget of time. Nothing depends on them."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from newsletter.collector.summarizer import Summaries, Summariser, content_key
from newsletter.services.context import Context

logger = logging.getLogger("newsletter")

SUMMARISED = timedelta(days=14)  #: news older than this stays as it is


class Summarising:
    """Asks the configured language model."""

    def __init__(self, context: Context) -> None:
        self._settings = context.settings
        self._store = context.store
        self._now = context.now

    async def summarise(self) -> Summaries | None:
        """Write a TL;DR for the news that has none, in the time that is configured; None where no service is.

        Raises nothing for what the service does.
        """
        section = self._settings.summary
        if not section.url:
            return None
        papers = await asyncio.to_thread(self._store.entries.unsummarised, self._now() - SUMMARISED, section.most)
        language = section.language or self._settings.newsletter.language
        keys = {content_key(section.model, language, paper.title, paper.abstract): paper for paper in papers}
        written = await asyncio.to_thread(self._store.sources.summaries, list(keys))
        secret = section.key.get_secret_value() if section.key else ""
        service = Summariser(section.url, section.model, secret, language)
        asked = [(key, paper.title, paper.abstract) for key, paper in keys.items() if key not in written]
        done = await service.summarise(asked, section.within.total_seconds(), written.__setitem__)
        await asyncio.to_thread(self._store.sources.put_summaries, written)
        await asyncio.to_thread(self._store.entries.put_tldr, {keys[key].id: text for key, text in written.items()})
        logger.info("summarised", extra={"written": done.written, "failed": done.failed})
        return done
