"""Commands that serve pages until somebody says stop: run, web."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from newsletter.cli.base import config_option, open_engine, run_async

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from newsletter.engine import Engine


@click.command()
@config_option
def run() -> None:
    """All in one process: collect, plan and send on schedule, and serve the subscribers' pages."""
    with open_engine() as engine:
        run_async(_run(engine))


@click.command()
@config_option
def tick() -> None:
    """One pass of what `run` does: read bounces, collect, plan, send what is due. For timers.

    Call it every quarter of an hour: readers get their mail at the first pass after their own time. It tells what it
    did, and nothing where nothing was due. Slow sources keep an issue waiting for five minutes at most, and it ends
    when they are read, too. Safe to run twice at once, or beside `run`.
    """
    with open_engine() as engine:
        for line in run_async(_tick(engine)):
            click.echo(line)


async def _tick(engine: Engine) -> list[str]:
    from newsletter.cli.server import stop_on_signals

    return await engine.scheduling.tick(stop_on_signals())


async def _run(engine: Engine) -> None:
    import asyncio

    from newsletter.cli.server import address_of, keep_schedule, listen, serve, stop_on_signals, use_many_threads
    from newsletter.web.public.app import make_app

    use_many_threads()
    stop, section = stop_on_signals(), engine.settings.web
    engine.scheduling.begin()
    listening = listen(section.host, section.port)
    engine.drafts.latest()  # the first reader should not have to wait for it
    click.echo(f"Pages at {address_of(listening)}; next issue on {engine.scheduling.next_issue_told()}")
    pages = serve(make_app(engine), listening, stop, section.trusted_proxies)
    await asyncio.gather(keep_schedule(engine, stop), pages)


@click.command()
@config_option
@click.option("--host", help="[default: [web] host]")
@click.option("--port", type=click.IntRange(0, 65535), help="[default: [web] port]")
def web(host: str | None, port: int | None) -> None:
    """Serve the subscribers' pages only (put a TLS proxy in front)."""
    from newsletter.web.public.app import make_app

    with open_engine() as engine:
        section = engine.settings.web
        port = section.port if port is None else port
        engine.drafts.latest()  # the first reader should not have to wait for it
        serve_until_stopped(make_app(engine), "Pages", host or section.host, port, section.trusted_proxies)


def serve_until_stopped(
    app: Starlette, what: str, host: str, port: int, proxies: tuple[str, ...] = (), path: str = ""
) -> None:
    """Serve the app until a signal ends it; `what` it is, is printed with its address and path. Raises InputError."""
    from newsletter.cli.server import address_of, listen, serve, stop_on_signals, use_many_threads

    async def until_stopped() -> None:
        use_many_threads()
        await serve(app, listening, stop_on_signals(), proxies)

    listening = listen(host, port)
    click.echo(f"{what} at {address_of(listening)}{path} (Ctrl-C ends it)")
    run_async(until_stopped())
