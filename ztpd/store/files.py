"""Files on disk: those that CPEs fetch, and those that they sent. Everything here blocks.

Names are never paths: they are opened relative to the folder, and neither a link nor what is no file is followed.
"""

import contextlib
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
_OURS = re.compile(r"\.partial-[0-9a-f]{16}|\d+-\d+-(?:configuration|log)")
"""What is put into the folder of uploads; whatever else lies there is somebody else's."""

_PIECE = 1024 * 1024
_PARTIAL = ".partial-"


@dataclass(frozen=True, slots=True)
class FileSettings:
    """Where files lie and how much of them there may be; ``url`` is how CPEs reach the listener, without a path.

    Sizes in bytes. Uploads are kept for ``days`` and up to ``total_bytes`` in all, the newest. At most ``concurrency``
    files are on their way at a time.
    """

    folder: Path
    uploads: Path
    url: str
    upload_bytes: int = 8 * 1024 * 1024
    total_bytes: int = 1024 * 1024 * 1024
    days: float = 30.0
    concurrency: int = 256


class FileProblem(Exception):
    """A file cannot be used: ``problem`` says why, ``remedy`` what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(problem)


def _open_in(folder: Path, name: str) -> int:
    """A descriptor of a regular file of the folder; raises ``FileProblem``."""
    if not _NAME.fullmatch(name):
        raise FileProblem(f"{name[:80]!r} is no file name", "Use letters, digits and . _ + -, and no folders.")
    try:
        descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise FileProblem(f"{folder / name} cannot be read: {error.strerror}", f"Put the file into {folder}.") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileProblem(f"{folder / name} is no file", f"Put the file itself into {folder}.")
    return descriptor


@dataclass(frozen=True, slots=True)
class _Content:
    """What an open file holds: the same as long as nobody writes to it."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int
    descriptor: int = field(compare=False)


def _content(descriptor: int) -> _Content:
    found = os.fstat(descriptor)
    return _Content(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, descriptor)


@lru_cache(maxsize=256)
def _sha256_of(content: _Content) -> str:
    """Firmware is large, and fetched by many: it is read whole once."""
    digest, offset = hashlib.sha256(), 0
    while piece := os.pread(content.descriptor, _PIECE, offset):
        digest.update(piece)
        offset += len(piece)
    return digest.hexdigest()


def measure(folder: Path, name: str) -> tuple[int, str]:
    """Size in bytes and SHA-256 of a file of the folder; raises ``FileProblem``."""
    descriptor = _open_in(folder, name)
    try:
        content = _content(descriptor)
        return content.size, _sha256_of(content)
    finally:
        os.close(descriptor)


@dataclass(slots=True)
class OpenFile:
    """A file that a CPE fetches."""

    name: str
    size: int
    sha256: str
    descriptor: int

    def read(self, offset: int, length: int) -> bytes:
        """Some bytes."""
        return os.pread(self.descriptor, length, offset)

    def close(self) -> None:
        """Let go of it."""
        os.close(self.descriptor)


def open_file(folder: Path, name: str, size: int, sha256: str) -> OpenFile:
    """A file of the folder as it was when it was measured; raises ``FileProblem`` when it is another one now."""
    descriptor = _open_in(folder, name)
    content = _content(descriptor)
    if content.size != size or _sha256_of(content) != sha256:
        os.close(descriptor)
        raise FileProblem(f"{folder / name} is another file than it was", "Put the right file there.")
    return OpenFile(name, size, sha256, descriptor)


@dataclass(slots=True)
class Incoming:
    """A file that a CPE sends: beside its place until it is whole."""

    folder: Path
    name: str
    limit: int
    descriptor: int
    path: Path
    size: int = 0
    _digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    _kept: bool = False

    @property
    def sha256(self) -> str:
        """Of what was written."""
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        """Append."""
        view = memoryview(data)
        while view:
            view = view[os.write(self.descriptor, view) :]
        self._digest.update(data)
        self.size += len(data)

    def keep(self) -> None:
        """Put it in its place, durably, in one step."""
        os.fsync(self.descriptor)
        os.replace(self.path, self.folder / self.name)
        self._kept = True
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def close(self) -> None:
        """Let go of it; what was not kept is gone."""
        os.close(self.descriptor)
        if not self._kept:
            with contextlib.suppress(FileNotFoundError):
                self.path.unlink()


def begin(folder: Path, name: str, limit: int) -> Incoming:
    """A place for a file that comes; only its owner may read it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{_PARTIAL}{secrets.token_hex(8)}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    return Incoming(folder, name, limit, descriptor, path)


def contents(folder: Path, name: str) -> bytes:
    """A whole file, which is bounded since it came; raises ``FileProblem``."""
    with os.fdopen(_open_in(folder, name), "rb") as file:
        return file.read()


def drop(folder: Path, names: Iterable[str]) -> None:
    """Remove files; one that is not there is gone already."""
    for name in names:
        if _NAME.fullmatch(name):
            (folder / name).unlink(missing_ok=True)


def sweep(folder: Path, known: Iterable[str]) -> int:
    """Remove what a kill left: files that came in part, and whole uploads that nobody knows of; how many."""
    if not folder.is_dir():
        return 0
    names, swept = frozenset(known), 0
    for path in folder.iterdir():
        if _OURS.fullmatch(path.name) and path.name not in names and path.is_file():
            path.unlink()
            swept += 1
    return swept
