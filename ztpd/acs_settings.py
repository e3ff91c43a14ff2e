"""What may stand under ``[acs]`` in the configuration."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from ztpd.sections import Port, Section


class AcsSection(Section):
    """The ACS; CPEs prove themselves by digest with this user and the password in the file."""

    host: str = "127.0.0.1"
    port: Port = 7547
    path: Annotated[str, Field(pattern=r"^/")] = "/acs"
    realm: str = "ztpd"
    username: str
    password_file: Path
