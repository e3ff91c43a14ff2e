"""The daemon as a real process that costs no imports: forked from a server process that has made them."""

import asyncio
import multiprocessing
import os
import signal
import sys
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess

from ztpd.lab.stage import Stage

_PRELOADED = ["ztpd.cli", "ztpd.daemon", "alembic.command", "sqlalchemy.dialects.sqlite", "psycopg", "scapy.all"]
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.integration.forked", *_PRELOADED])

STOP_S = 10.0


def _run(config: str, environment: dict[str, str], log: str) -> None:
    """What the child does: exactly ``ztpd run``, with its own environment and log."""
    from ztpd.cli import main

    os.environ.update(environment)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv = ["ztpd", "run", "--config", config]
    main()


@dataclass(slots=True)
class ForkedDaemon:
    """One run of the daemon."""

    process: ForkServerProcess

    @classmethod
    def start(cls, scene: Stage, **environment: str) -> "ForkedDaemon":
        """Start it as ``scene.start_daemon`` does."""
        log = scene.folder / "ztpd.log"
        process = _context.Process(
            target=_run, args=(str(scene.config), {**scene.environment, **environment}, str(log)), daemon=True
        )
        process.start()
        return cls(process)

    @property
    def exit_code(self) -> int | None:
        """As a shell tells it, negative for a signal; None while it runs."""
        return self.process.exitcode

    async def ended(self) -> None:
        """Wait until it has ended."""
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(self.process.sentinel, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(self.process.sentinel)
        self.process.join()

    async def stop(self) -> None:
        """End it, by force when it does not end in time."""
        if self.process.is_alive() and self.process.pid is not None:
            os.kill(self.process.pid, signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_S):
                    await self.ended()
            except TimeoutError:
                self.process.kill()
                self.process.join()
