"""What a CPE can be asked to do, as values that can be kept: each is JSON with its ``kind``."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from ztpd.domain.diagnostics import CpeTest
from ztpd.domain.firmware import FileName
from ztpd.domain.handover import AcsUrl, SecretName, Username
from ztpd.domain.model import Strict
from ztpd.domain.profile import Value

Seconds = Annotated[float, Field(ge=10, le=86_400)]

Path = Annotated[str, Field(min_length=1, max_length=256)]
"""A parameter of a CPE's data model, or an object with its dot (TR-069 A.2: at most 256 characters)."""


class Configure(Strict):
    """Become what the intents (``wifi.2ghz.ssid``) say, and show it.

    ``told`` says that it was told so already and only has to show that it works: it is told again only what it lost.
    """

    kind: Literal["configure"] = "configure"
    values: dict[str, Value] = Field(repr=False)
    told: bool = False


class Inspect(Strict):
    """Show whether it is what the intents say; nothing is changed."""

    kind: Literal["inspect"] = "inspect"
    values: dict[str, Value] = Field(repr=False)


class Read(Strict):
    """Show the values of these paths; one that ends in a dot stands for all below it."""

    kind: Literal["read"] = "read"
    paths: Annotated[tuple[Path, ...], Field(min_length=1, max_length=64)]


class Reboot(Strict):
    """Restart."""

    kind: Literal["reboot"] = "reboot"


class FactoryReset(Strict):
    """Forget every setting and restart."""

    kind: Literal["factory-reset"] = "factory-reset"


class Diagnose(Strict):
    """Begin a test, or show at once what needs none."""

    kind: Literal["diagnose"] = "diagnose"
    test: CpeTest


class Collect(Strict):
    """Show what a test came to that was begun in an earlier session."""

    kind: Literal["collect"] = "collect"
    test: CpeTest


class Download(Strict):
    """Fetch a file and apply it: one of our own folder by its name, or one at a URL; ``size`` is in bytes.

    ``url`` of a file of ours is one-time: it is made when the CPE is told, and never kept. ``succeeds_on_timeout`` is
    for models that do not tell when they are through.
    """

    kind: Literal["download"] = "download"
    file_type: Annotated[str, Field(min_length=1, max_length=64)]
    file: FileName | None = None
    url: Annotated[str, Field(max_length=512, repr=False)] = ""
    size: Annotated[int, Field(ge=0)] = 0
    sha256: str = ""
    target_file_name: Annotated[str, Field(max_length=256)] = ""
    timeout_s: Seconds = 3600.0
    succeeds_on_timeout: bool = False


class Upload(Strict):
    """Send us its configuration or its log; ``url`` is one-time, made when the CPE is told, and never kept."""

    kind: Literal["upload"] = "upload"
    what: Literal["configuration", "log"]
    url: Annotated[str, Field(max_length=512, repr=False)] = ""
    timeout_s: Seconds = 900.0


class HandOver(Strict):
    """Inform another ACS from now on; ``secret`` names its password, which is in no task that is kept."""

    kind: Literal["hand-over"] = "hand-over"
    url: AcsUrl
    username: Username
    secret: SecretName


class Redirect(Strict):
    """What a hand-over is when the CPE is told: never kept."""

    kind: Literal["redirect"] = "redirect"
    url: AcsUrl
    username: Username
    password: str = Field(min_length=1, repr=False)


Task = Annotated[
    Configure | Inspect | Read | Reboot | FactoryReset | Diagnose | Collect | Download | Upload | HandOver | Redirect,
    Field(discriminator="kind"),
]

TASK: TypeAdapter[Task] = TypeAdapter(Task)
"""Reads and writes tasks as JSON."""

MASK = "********"
"""What is shown in the place of a value that must not be."""

_SECRET = re.compile(r"(pass(word|phrase|wd)?|secret|psk|presharedkey|wepkey|pin|(?<!parameter)(?<!command)key)$")


def masked(values: Mapping[str, str]) -> dict[str, str]:
    """Values by path as they may be shown: some CPEs read back passwords, which the standards hide."""
    return {path: MASK if text and _is_secret(path) else text for path, text in values.items()}


def _is_secret(path: str) -> bool:
    last = next((part for part in reversed(path.lower().split(".")) if part and not part.isdigit()), "")
    return _SECRET.search(last) is not None
