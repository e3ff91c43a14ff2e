"""Commands of ztpd as an operator types them, on a terminal of 80 columns."""

import asyncio
import os
import sys
from dataclasses import dataclass

from typer.testing import CliRunner

from ztpd.cli import app
from ztpd.lab.stage import Stage

LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that has ended: its exit code and what it printed."""

    code: int
    output: str
    errors: str


async def ztpd(scene: Stage, *arguments: str, **environment: str) -> Ran:
    """Run a command in a thread, with an event loop of its own; what it raises and does not catch is raised here."""
    env = _environment(scene, environment)
    result = await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env=env, prog_name="ztpd")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


async def ztpd_process(scene: Stage, *arguments: str, **environment: str) -> Ran:
    """Run a command as a process; one that does not end in time is killed and fails the test."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ztpd",
        *arguments,
        env={**os.environ, **_environment(scene, environment)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), LIMIT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return Ran(process.returncode or 0, output.decode(), errors.decode())


def _environment(scene: Stage, more: dict[str, str]) -> dict[str, str]:
    return {"COLUMNS": "80", "ZTPD_CONFIG": str(scene.config), **scene.environment, **more}
