"""Calls of the command line to the running daemon, over its own API."""

import json
from collections.abc import Mapping
from typing import Any

import aiohttp

from ztpd import asking
from ztpd.config import Configuration
from ztpd.settings import Scope


class CallRefused(Exception):
    """The daemon refuses what is asked of it, and says why."""


async def call(
    configuration: Configuration, method: str, path: str, body: object = None, scope: Scope = "read"
) -> dict[str, Any]:
    """What the daemon answers; raises ``CallRefused``, ``DaemonSilent`` and ``ConfigError``."""
    try:
        said = json.loads(await fetch(configuration, method, path, body, scope))
    except ValueError as error:
        raise asking.no_ztpd(configuration) from error
    if not isinstance(said, dict):
        raise asking.no_ztpd(configuration)
    return said


async def fetch(
    configuration: Configuration, method: str, path: str, body: object = None, scope: Scope = "read"
) -> bytes:
    """The bytes of an answer; raises as ``call`` does."""
    origin = asking.origin_of(configuration.settings.api)
    headers = {"Authorization": f"Bearer {asking.token_for(configuration, scope)}"}
    timeout = aiohttp.ClientTimeout(total=asking.PATIENCE_S)
    try:
        async with (
            aiohttp.ClientSession(origin, headers=headers, timeout=timeout) as session,
            session.request(method, path, json=body) as answer,
        ):
            said, status = await answer.read(), answer.status
    except (aiohttp.ClientError, TimeoutError) as error:
        raise asking.no_daemon(configuration, error, asking.PATIENCE_S) from error
    if status >= 400:
        raise CallRefused(_why(configuration, said))
    return said


def _why(configuration: Configuration, said: bytes) -> str:
    try:
        problem = json.loads(said)
    except ValueError as error:
        raise asking.no_ztpd(configuration) from error
    if not isinstance(problem, Mapping):
        raise asking.no_ztpd(configuration)
    lines = [str(problem.get("detail", "the daemon refuses"))]
    lines += [f"{each['field']}: {each['problem']}" for each in problem.get("errors", ())]
    return "\n".join([*lines, *([str(problem["remedy"])] if problem.get("remedy") else [])])
