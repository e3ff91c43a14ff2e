"""Network namespaces that a test makes and removes: traffic in them reaches nothing else."""

import ctypes
import itertools
import os
import shutil
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_CLONE_NEWNET = 0x40000000
_CAPABILITY_VERSION_3 = 0x20080522
LIMIT_SECONDS = 10

_numbers = itertools.count()


class NoNamespace(Exception):
    """Why none can be made here."""


def ip(*arguments: str) -> None:
    """Run ip(8); raises ``CalledProcessError``."""
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=LIMIT_SECONDS)


@contextmanager
def namespace() -> Iterator[str]:
    """A fresh network namespace whose loopback is up, by its name; raises ``NoNamespace``."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        raise NoNamespace("needs root and iproute2 to make a network namespace")
    name = f"ztpd-{os.getpid()}-{threading.get_native_id()}-{next(_numbers)}"
    try:
        ip("netns", "add", name)
    except subprocess.CalledProcessError as problem:
        raise NoNamespace(f"no network namespace here: {problem.stderr.decode().strip()}") from None
    try:
        ip("-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        ip("netns", "del", name)


def enter(name: str) -> None:
    """Move this thread into a namespace for good."""
    there = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        _enter(there)
    finally:
        os.close(there)


def drop_capabilities() -> None:
    """Take every capability from this thread alone, for good (capset(2))."""
    header, nothing = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), bytes(24)
    if ctypes.CDLL(None, use_errno=True).capset(header, nothing) != 0:
        raise OSError(ctypes.get_errno(), "capset")


@contextmanager
def inside(name: str) -> Iterator[None]:
    """This thread inside a namespace, and with it every process that it starts."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        _enter(there)
        yield
    finally:
        _enter(home)
        os.close(home)
        os.close(there)


def add_pair(name: str, near: str, far: str) -> None:
    """A veth pair in a namespace, both ends up; raises ``NoNamespace`` where the kernel has no veth."""
    try:
        ip("-n", name, "link", "add", near, "type", "veth", "peer", "name", far)
    except subprocess.CalledProcessError as problem:
        raise NoNamespace(f"no veth here: {problem.stderr.decode().strip()}") from None
    for end in (near, far):
        ip("-n", name, "link", "set", end, "up")


@contextmanager
def veth_namespace() -> Iterator[str]:
    """This thread inside a fresh namespace with the veth pair ``near`` and ``far``; raises ``NoNamespace``."""
    with namespace() as name:
        add_pair(name, "near", "far")
        with inside(name):
            yield name


def _enter(descriptor: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
