"""`newsletter web` and `run` as processes: they serve, and end on SIGTERM."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.xdist_group("processes")  #: several at once take all of a small machine


@pytest.mark.parametrize("command", ["web", "run", "preview"])
async def test_it_serves_and_ends_when_told(tmp_path: Path, command: str) -> None:
    words = [sys.executable, "-m", "newsletter", "-v", command, *(["--port", "0"] if command == "preview" else [])]
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=tmp_path,
        env={**os.environ, "NEWSLETTER_WEB__PORT": "0", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    address = line.split()[2].rstrip(";")

    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(address)
    process.send_signal(signal.SIGTERM)
    _, error = await process.communicate()

    assert answer.status_code == 200
    assert process.returncode == 0
    assert b"Traceback" not in error
