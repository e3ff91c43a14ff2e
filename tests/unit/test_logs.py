"""Logs: one line an event, whoever wrote it; nothing a peer sends breaks a line, floods the log or shows a secret."""

import json
import subprocess
import sys
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ztpd.logs import LINES_A_MINUTE, Trouble

SPEAK = """
import logging, sys
import structlog
from ztpd import logs

logs.configure("info", sys.argv[1])
log = structlog.get_logger()
library = logging.getLogger("asyncio")


def fail(passphrase):
    raise ValueError("\\x1b[31mred\\nforged: line")


log.info("first", peer="a\\x1b[2J\\r\\nb\\x7f\\x9b1m\\u2028c", number=3)
log.debug("not asked for")
library.warning("from %s\\nforged", "asyncio")
library.info("too quiet")
try:
    fail("correct horse battery")
except ValueError as error:
    log.exception("ours failed")
    library.error("theirs failed", exc_info=True)
    logging.getLogger("aiohttp.server").error("Error handling request from %s", "192.0.2.1", exc_info=error)
    for talkative in ("ncclient.transport.ssh", "paramiko.transport"):
        logging.getLogger(talkative).critical("Exception (client)", exc_info=True)
"""

NONSENSE = """
import asyncio
from aiohttp import web
from ztpd import logs


async def say_nonsense():
    async def never(request):
        raise AssertionError(request)

    server = await asyncio.get_running_loop().create_server(web.Server(never), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"POST / HTTP/1.1\\r\\nHost: x\\r\\nAuthorization: Basic c2VudGluZWw=\\x00\\r\\n\\r\\n")
        await reader.read()
        writer.close()


logs.configure("info", "json")
asyncio.run(say_nonsense())
"""

FLOOD = """
import logging
from ztpd import logs

logs.configure("info", "json")
chatty, quiet = logging.getLogger("aiohttp.server"), logging.getLogger("asyncio")
at = 0.0


class At(logging.LogRecord):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.created = at


logging.setLogRecordFactory(At)
for number in range(1000):
    chatty.error("bad request %d", number)
quiet.error("this matters")
at = 61.0
chatty.error("bad request later")
chatty.error("and another")
"""


def lines_of(program: str, *arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "", "logs go to standard error"
    return done.stderr.splitlines()


@pytest.fixture(scope="module")
def spoken() -> list[dict[str, Any]]:
    """What a process logs as JSON."""
    return [json.loads(line) for line in lines_of(SPEAK, "json")]


def test_each_event_is_one_line_of_json_with_level_and_time(spoken: list[dict[str, Any]]) -> None:
    assert [line["event"] for line in spoken] == [
        "first",
        "from asyncio\nforged",
        "ours failed",
        "theirs failed",
        "Error handling request from 192.0.2.1",
    ]
    assert [line["level"] for line in spoken] == ["info", "warning", "error", "error", "error"]
    assert all(line["timestamp"].endswith("Z") for line in spoken)
    assert (spoken[0]["number"], spoken[0]["peer"]) == (3, "a\x1b[2J\r\nb\x7f\x9b1m\u2028c")


def test_a_librarys_line_is_formatted_like_ours_and_names_the_library(spoken: list[dict[str, Any]]) -> None:
    assert spoken[1].keys() == {"event", "level", "timestamp", "logger"}
    assert [line.get("logger") for line in spoken] == [None, "asyncio", None, "asyncio", "aiohttp.server"]


def test_an_exception_is_part_of_its_line_and_shows_no_local_variable(spoken: list[dict[str, Any]]) -> None:
    ours, theirs = spoken[2]["exception"], spoken[3]["exception"]
    for trace in (ours, theirs):
        assert trace.startswith("Traceback (most recent call last)")
        assert "ValueError: \x1b[31mred" in trace
    assert "correct horse" not in json.dumps(spoken)


def test_the_http_servers_trace_of_a_peers_nonsense_is_one_reason(spoken: list[dict[str, Any]]) -> None:
    assert "exception" not in spoken[4]
    assert spoken[4]["reason"] == "ValueError: \x1b[31mred\nforged: line"


def test_the_bytes_that_the_http_server_could_not_read_are_not_shown_for_they_may_be_a_secret() -> None:
    (line,) = (json.loads(line) for line in lines_of(NONSENSE))
    assert line["reason"] == "BadHttpMessage: 400, message:\n  Invalid header value char:"


def test_people_read_the_same_without_control_characters_and_secrets() -> None:
    lines = lines_of(SPEAK, "console")
    text = "\n".join(lines)
    assert all(line.isprintable() for line in lines)
    assert all(line.startswith(("20", "  ")) for line in lines), "each line is an event, or is set in below one"
    assert sum("Traceback" in line for line in lines) == 2
    assert "from asyncio\\nforged" in text
    assert "correct horse" not in text
    assert "Exception (client)" not in text


def test_a_library_that_floods_is_cut_short_and_counted_and_hides_no_other() -> None:
    lines = [json.loads(line) for line in lines_of(FLOOD)]
    events = [line["event"] for line in lines]
    assert events[: LINES_A_MINUTE + 1] == [*(f"bad request {n}" for n in range(LINES_A_MINUTE)), "this matters"]
    assert events[LINES_A_MINUTE + 1 :] == ["bad request later", "and another"]
    assert [line.get("left_out") for line in lines[-2:]] == [1000 - LINES_A_MINUTE, None]


def test_a_trouble_that_lasts_is_said_ever_more_rarely_but_never_no_more() -> None:
    trouble = Trouble()
    said = [number for number in range(1, 1001) if trouble.is_news("connection refused")]
    assert said[:7] == [1, 2, 4, 8, 16, 32, 64]
    assert all(later - earlier == 64 for earlier, later in pairwise(said[6:]))
    assert trouble.times == 1000


def test_a_new_reason_is_said_at_once_and_an_old_one_again_after_it_was_over() -> None:
    trouble = Trouble()
    assert trouble.is_news("connection refused")
    for _ in range(5):
        trouble.is_news("connection refused")
    assert trouble.is_news("host key changed")
    assert trouble.over() == 7
    assert trouble.over() == 0
    assert trouble.is_news("connection refused")


@settings(max_examples=25)
@given(st.lists(st.text(max_size=2), min_size=50, max_size=200))
def test_however_many_reasons_there_are_little_is_kept_and_little_is_said(reasons: list[str]) -> None:
    trouble = Trouble()
    said = sum(trouble.is_news(reason) for reason in reasons)
    # Each of the reasons kept, and the rest together, may be said at 1, 2, 4 … 64 and then at every 64th.
    assert said <= (Trouble.REASONS + 1) * 7 + len(reasons) // 64
    assert trouble.times == len(reasons)
