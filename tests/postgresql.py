"""A throw-away PostgreSQL on a UNIX socket in a folder of its own; started as another user when the tests are root."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))


def binaries() -> Path | None:
    """The folder of the newest PostgreSQL server installed, or None."""
    found = shutil.which("initdb")
    candidates = [*_BINARIES, *([Path(found).resolve().parent] if found else [])]
    return next((path for path in reversed(candidates) if (path / "postgres").exists()), None)


def why_unavailable() -> str | None:
    """Why no PostgreSQL can be started here, or None when one can."""
    if binaries() is None:
        return "PostgreSQL is not installed (apt install postgresql)"
    if os.geteuid() == 0 and not _has_user("postgres"):
        return "PostgreSQL refuses to run as root and there is no user postgres"
    return None


def _has_user(name: str) -> bool:
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(name) is not None
    return False


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Start a server and yield the URL of an empty database; everything is gone afterwards."""
    folder = binaries()
    assert folder is not None, why_unavailable()
    data = Path(tempfile.mkdtemp(prefix="ztpd-pg-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(data, "postgres", "postgres")
        # fsync stays on: durability is what the store promises.
        _run(folder / "initdb", "-D", data / "db", "-U", "ztpd", "-A", "trust", "--no-sync", "-E", "UTF8")
        options = f"-k {data} -c listen_addresses='' -c max_connections=50 -c shared_buffers=64MB"
        _run(folder / "pg_ctl", "-D", data / "db", "-w", "-o", options, "-l", data / "log", "start")
        try:
            yield f"postgresql://ztpd@/postgres?host={quote(str(data), safe='')}"
        finally:
            _run(folder / "pg_ctl", "-D", data / "db", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(data, ignore_errors=True)


@contextlib.contextmanager
def database(server_url: str, name: str) -> Iterator[str]:
    """An empty database of the given name on a running server."""
    import psycopg

    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield server_url.replace("/postgres?", f"/{name}?")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _run(*command: object) -> None:
    words = [str(word) for word in command]
    if os.geteuid() == 0:
        words = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *words]
    done = subprocess.run(words, cwd="/", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
