"""What may stand under ``[acs]`` in the configuration."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ztpd.acs.certificates import Format
from ztpd.acs.tls import ClientCertificates, TlsVersion
from ztpd.domain.model import Identifier
from ztpd.sections import Network, Port, Section


class ConnectionRequestsSection(Section):
    """How CPEs are asked to inform; each only at the address that it informs from, or in ``networks``.

    ``username`` and the password in the file are those of CPEs that have no secret of their own from us.
    """

    enabled: bool = True
    networks: tuple[Network, ...] = ()
    username: str | None = None
    password_file: Path | None = None
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 5.0
    first_pause_s: Annotated[float, Field(ge=1, le=3600)] = 5.0
    longest_pause_s: Annotated[float, Field(ge=1, le=86_400)] = 300.0
    per_second: Annotated[int, Field(ge=1, le=1000)] = 50
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 64

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if (self.username is None) != (self.password_file is None):
            raise ValueError("username and password_file are given together or not at all")
        if self.longest_pause_s < self.first_pause_s:
            raise ValueError("longest_pause_s is shorter than first_pause_s")
        return self


class StunSection(Section):
    """The STUN server, by which CPEs behind NAT learn and keep the address where they can be asked to inform.

    ``max_bindings`` bounds the memory (about 0.3 KB each); a CPE that is forgotten proves its binding again.
    """

    host: str = "127.0.0.1"
    port: Port = 3478
    max_bindings: Annotated[int, Field(ge=1, le=1_000_000)] = 100_000
    binding_ttl_s: Annotated[float, Field(gt=0, le=86_400)] = 3600.0
    per_address_per_s: Annotated[float, Field(ge=1, le=100_000)] = 100.0


class ListenerSection(Section):
    """A further address of the ACS: plain HTTP, or TLS with the certificate and key named.

    ``client_certificates`` asks CPEs for theirs, signed by an authority of ``client_ca_file``. What lies below
    ``tls_minimum`` 1.2, other ciphers and legacy renegotiation are for CPEs that can do no better.
    """

    host: str = "127.0.0.1"
    port: Port
    certificate_file: Path | None = None
    key_file: Path | None = None
    client_ca_file: Path | None = None
    client_certificates: ClientCertificates = "no"
    tls_minimum: TlsVersion = "1.2"
    ciphers: str = ""
    legacy_renegotiation: bool = False


class TrustedProxiesSection(Section):
    """Proxies that speak for CPEs, and the headers that they set whatever a CPE sends."""

    networks: Annotated[tuple[Network, ...], Field(min_length=1)]
    forwarded: Literal["x-forwarded", "rfc7239"] = "x-forwarded"
    certificate_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]*$")] = ""
    certificate_format: Format = "rfc9440"


class FilesSection(Section):
    """Files for CPEs in ``folder``, and what they sent in ``uploads``, a folder of its own.

    ``url`` is how CPEs reach the ACS, as in ``http://acs.example.net:7547``: its host and port unless given. At most
    ``concurrency`` files are on their way at a time.
    """

    folder: Path
    uploads: Path
    url: str | None = None
    upload_max_bytes: Annotated[int, Field(ge=1024, le=2**30)] = 8 * 1024 * 1024
    uploads_total_bytes: Annotated[int, Field(ge=1024, le=2**50)] = 2**30
    concurrency: Annotated[int, Field(ge=1, le=10_000)] = 256
    uploads_days: Annotated[float, Field(gt=0, le=3650)] = 30.0


class HandoverSection(Section):
    """Handing finished CPEs over to other ACSes; ``secrets`` are the files of their passwords, by name.

    A CPE counts as gone when it was not heard for ``intervals`` of its own periodic interval; ``interval_s`` is taken
    for one that has not told that, or informs only when something happens.
    """

    secrets: dict[Identifier, Path] = Field(default_factory=dict, max_length=100)
    intervals: Annotated[int, Field(ge=1, le=100)] = 3
    interval_s: Annotated[int, Field(ge=1, le=2_592_000)] = 86_400


class AcsSection(Section):
    """The ACS; new CPEs prove themselves by digest with this user and the password in the file.

    With ``device_key_file`` each is given a secret of its own; ``devices_file`` holds those that an operator gave.
    ``rebootstrap`` says whether one that lost its own is let in again by itself, from the place where it is known.
    ``informs_per_s`` bounds the sessions of one address. ``basic_without_tls`` takes passwords that can be read on the
    way, from CPEs that know no digest. ``data_models`` is a folder of files that tell what devices call things, read
    over those that ship.
    """

    host: str = "127.0.0.1"
    port: Port = 7547
    path: Annotated[str, Field(pattern=r"^/")] = "/acs"
    realm: str = "ztpd"
    username: str
    password_file: Path
    digest: Annotated[tuple[Literal["MD5", "SHA-256"], ...], Field(min_length=1)] = ("MD5",)
    basic_without_tls: bool = False
    device_key_file: Path | None = None
    devices_file: Path | None = None
    data_models: Path | None = None
    rebootstrap: Literal["ask", "same-place"] = "ask"
    informs_per_s: Annotated[float, Field(ge=0.1, le=100_000)] = 200.0
    listeners: tuple[ListenerSection, ...] = ()
    trusted_proxies: TrustedProxiesSection | None = None
    connection_requests: ConnectionRequestsSection = ConnectionRequestsSection()
    stun: StunSection | None = None
    files: FilesSection | None = None
    handover: HandoverSection = Field(default_factory=HandoverSection)
