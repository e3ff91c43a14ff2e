"""sd_notify: one datagram to the service manager, by path or abstract address, and no harm where there is none."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ztpd.notify import notify


@pytest.fixture
def manager() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.settimeout(5)
        yield listening


def test_the_manager_hears_the_state_at_its_path(manager: socket.socket, tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    manager.bind(path)
    notify("READY=1", {"NOTIFY_SOCKET": path})
    assert manager.recv(100) == b"READY=1"


def test_the_manager_hears_the_state_at_an_abstract_address(manager: socket.socket) -> None:
    name = f"ztpd-test-{os.getpid()}"
    manager.bind(f"\0{name}")
    notify("STOPPING=1", {"NOTIFY_SOCKET": f"@{name}"})
    assert manager.recv(100) == b"STOPPING=1"


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}])
def test_without_a_manager_nothing_happens(environment: dict[str, str]) -> None:
    with capture_logs() as lines:
        notify("READY=1", environment)
    assert lines == []


@pytest.mark.parametrize("address", ["gone", "@ztpd-test-nobody-listens", "vsock:2:1", "x" * 200])
def test_a_manager_that_cannot_be_told_is_logged_and_ends_nothing(address: str, tmp_path: Path) -> None:
    address = str(tmp_path / address) if address == "gone" else address
    with capture_logs() as lines:
        notify("READY=1", {"NOTIFY_SOCKET": address})
    (line,) = lines
    assert (line["log_level"], line["state"], line["address"]) == ("warning", "READY=1", address)
