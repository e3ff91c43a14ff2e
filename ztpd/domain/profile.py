"""Service profiles: a named, versioned description of what a service needs on every device."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ztpd.domain.diagnostics import WantedTest
from ztpd.domain.drift import DriftRule
from ztpd.domain.firmware import FirmwareRule
from ztpd.domain.model import Identifier, Strict

Value = str | int | bool
VlanId = Annotated[int, Field(ge=1, le=4094)]
_REFERENCE = re.compile(r"^\$([a-z][a-z0-9_]*)$")
_FASTEST_BPS = 1_600_000_000_000
Limit = Annotated[float, Field(allow_inf_nan=False)]


class Parameter(Strict):
    """A value that each job gives; ``secret`` keeps it out of events, traces and logs."""

    type: Literal["text", "integer", "boolean"] = "text"
    default: Value | None = None
    minimum: int | None = None
    maximum: int | None = None
    max_length: int = 64
    secret: bool = False

    @property
    def is_vlan_id(self) -> bool:
        """Whether every value it allows is a VLAN id (IEEE 802.1Q: 1 to 4094)."""
        bounds = (self.minimum, self.maximum)
        return self.type == "integer" and all(bound is not None and 1 <= bound <= 4094 for bound in bounds)


class Speed(Strict):
    """Rates in Mbit/s; ``assured_upstream_mbps`` becomes the T-CONT's assured bandwidth."""

    downstream_mbps: Annotated[int, Field(gt=0)]
    upstream_mbps: Annotated[int, Field(gt=0)]
    assured_upstream_mbps: Annotated[int, Field(ge=0)] = 0


class Vlan(Strict):
    """The tags towards the network: an id, or ``$name`` of a parameter."""

    s_vlan: VlanId | Annotated[str, Field(pattern=_REFERENCE.pattern)]
    c_vlan: VlanId | Annotated[str, Field(pattern=_REFERENCE.pattern)] | None = None


class Range(Strict):
    """Limits of a measured value, ends included."""

    minimum: Limit
    maximum: Limit

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.maximum < self.minimum:
            raise ValueError("maximum is below minimum")
        return self

    def holds(self, value: float) -> bool:
        """Whether the value lies within."""
        return self.minimum <= value <= self.maximum


class OpticalLimits(Strict):
    """Receive power in dBm that each end of the fibre must show."""

    onu_rx_dbm: Range
    olt_rx_dbm: Range


class RadioLimits(Strict):
    """What the access point must receive from the radio, in dBm."""

    signal_dbm: Range


class LinkLimits(Strict):
    """The speed that the customer's port must have negotiated at least, in Mbit/s."""

    minimum_mbps: Annotated[int, Field(gt=0)]


class Quality(Strict):
    """How the service's frames are treated.

    ``priority`` is their IEEE 802.1p code point; ``fixed_upstream_mbps`` the bandwidth that a T-CONT grants always
    (ITU-T G.984.3 §7.4.1, type 1 and 5).
    """

    priority: Annotated[int, Field(ge=0, le=7)] = 0
    fixed_upstream_mbps: Annotated[int, Field(ge=0)] = 0


class Wan(Strict):
    """What the network itself must know of the customer's WAN, each a value or ``$name`` of a parameter.

    ``address`` is the IPv4 address or prefix of his own, ``ppp_user`` and ``ppp_password`` what his router dials in
    with.
    """

    address: Value | None = None
    ppp_user: Value | None = None
    ppp_password: Value | None = None


class WantedMeasurement(Strict):
    """A measurement the technician must report, its unit and its limits.

    ``network`` names the level ztpd measures itself (``onu_rx_dbm``, ``olt_rx_dbm``); the two must then agree within
    ``tolerance``.
    """

    name: Identifier
    unit: Annotated[str, Field(min_length=1, max_length=16)]
    minimum: Limit | None = None
    maximum: Limit | None = None
    network: Literal["onu_rx_dbm", "olt_rx_dbm"] | None = None
    tolerance: Annotated[float, Field(gt=0)] = 3.0


class CompletionRules(Strict):
    """The evidence a visit owes before the service is reported as active."""

    required: bool = True
    photos: Annotated[int, Field(ge=0, le=32)] = 0
    measurements: tuple[WantedMeasurement, ...] = ()


class Profile(Strict):
    """What a service needs; read from ``NAME.toml`` in the profiles folder.

    ``cpe`` maps intents (``wifi.2ghz.ssid``) to values or ``$parameter``; ``cpe_timeout_s`` is how long after the
    network works the CPE may stay silent. ``diagnostics`` are the tests that it must do before a job is closed,
    ``drift`` is what is done when the CPE is not any more as it was told.
    """

    name: Identifier
    version: Annotated[int, Field(ge=1)]
    description: str = ""
    technologies: Annotated[tuple[Literal["pon", "ethernet", "wireless"], ...], Field(min_length=1)]
    price_per_month: Annotated[float, Field(ge=0)] | None = None
    speed: Speed
    vlan: Vlan | None = None
    quality: Quality = Quality()
    wan: Wan = Wan()
    optics: OpticalLimits | None = None
    radio: RadioLimits | None = None
    link: LinkLimits | None = None
    parameters: dict[str, Parameter] = Field(default_factory=dict)
    cpe: dict[str, Value] = Field(default_factory=dict)
    cpe_timeout_s: Annotated[float, Field(gt=0)] = 900.0
    diagnostics: Annotated[tuple[WantedTest, ...], Field(max_length=8)] = ()
    drift: DriftRule = DriftRule()
    completion: CompletionRules = CompletionRules()
    firmware: tuple[FirmwareRule, ...] = ()

    @property
    def _vlans(self) -> list[int | str | None]:
        return [] if self.vlan is None else [self.vlan.s_vlan, self.vlan.c_vlan]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if "pon" in self.technologies and self.optics is None:
            raise ValueError("optics: a profile for pon needs the limits of the light levels")
        if self.vlan is None and "pon" in self.technologies:
            raise ValueError("vlan: a profile for pon needs one")
        wan = [self.wan.address, self.wan.ppp_user, self.wan.ppp_password]
        values = [*self._vlans, *wan, *self.cpe.values()]
        for value in values:
            if isinstance(value, str) and value.startswith("$") and not _references(value):
                raise ValueError(f"{value!r} is no parameter: expected $name in lower-case letters, digits and _")
        used = {name for value in values for name in _references(value)}
        unknown = used.union(*(test.references for test in self.diagnostics)) - set(self.parameters)
        if unknown:
            raise ValueError(f"${sorted(unknown)[0]} is used but not declared under [parameters]")
        return self

    @model_validator(mode="after")
    def _vlan_parameters_are_vlan_ids(self) -> Self:
        for name in [name for value in self._vlans for name in _references(value)]:
            if not self.parameters[name].is_vlan_id:
                raise ValueError(f"parameters.{name}: a VLAN id must be an integer, minimum 1, maximum 4094, or within")
        return self

    @model_validator(mode="after")
    def _tests_are_told_apart(self) -> Self:
        names = [test.test for test in self.diagnostics]
        for test in names:
            if names.count(test) > 1:
                raise ValueError(f"diagnostics: {test} is there twice")
        for name in sorted(frozenset[str]().union(*(test.references for test in self.diagnostics)) & self.secrets):
            raise ValueError(f"diagnostics: ${name} is secret, and what a test is done with is shown")
        return self

    def limits(self, technology: str) -> dict[str, Range]:
        """The limits of each level that an element of this technology has to show, by its name in ``Levels``."""
        if technology == "pon" and self.optics is not None:
            return {"onu_rx_dbm": self.optics.onu_rx_dbm, "olt_rx_dbm": self.optics.olt_rx_dbm}
        if technology == "wireless" and self.radio is not None:
            return {"signal_dbm": self.radio.signal_dbm}
        if technology == "ethernet" and self.link is not None:
            return {"link_bps": Range(minimum=self.link.minimum_mbps * 1_000_000, maximum=_FASTEST_BPS)}
        return {}

    @property
    def told_to_cpe_only(self) -> frozenset[str]:
        """Names of the parameters that nothing but the CPE is told."""
        wan = (self.wan.address, self.wan.ppp_user, self.wan.ppp_password)
        network = {name for value in (*self._vlans, *wan) for name in _references(value)}
        cpe = (name for value in self.cpe.values() for name in _references(value))
        return frozenset(cpe).union(*(test.references for test in self.diagnostics)) - network

    @property
    def secrets(self) -> frozenset[str]:
        """Names of the parameters that must never be shown."""
        return frozenset(name for name, parameter in self.parameters.items() if parameter.secret)


def _references(value: Value | None) -> list[str]:
    match = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    return [match.group(1)] if match else []


class ParameterProblem(ValueError):
    """A job's parameter is missing, unknown or out of bounds; carries its name and what to do."""

    def __init__(self, name: str, problem: str) -> None:
        self.name = name
        self.problem = problem
        super().__init__(f"parameters.{name}: {problem}")


def parameter_problems(profile: Profile, given: Mapping[str, Value]) -> list[ParameterProblem]:
    """Everything that is wrong with a job's parameters for this profile; empty when nothing is."""
    problems = [
        ParameterProblem(name, f"profile {profile.name} has no such parameter; remove it")
        for name in given
        if name not in profile.parameters
    ]
    for name, parameter in profile.parameters.items():
        value = given.get(name, parameter.default)
        problem = "is required by the profile" if value is None else _problem(parameter, value)
        if problem:
            problems.append(ParameterProblem(name, problem))
    return problems


def _problem(parameter: Parameter, value: Value) -> str | None:
    expected = {"text": str, "integer": int, "boolean": bool}[parameter.type]
    if type(value) is not expected:
        return f"must be {parameter.type}, not {type(value).__name__}"
    if isinstance(value, str):
        if len(value) > parameter.max_length:
            return f"is longer than {parameter.max_length} characters"
        return None if value.isprintable() else "has control characters"
    if parameter.minimum is not None and value < parameter.minimum:
        return f"is below {parameter.minimum}"
    if parameter.maximum is not None and value > parameter.maximum:
        return f"is above {parameter.maximum}"
    return None


def resolve(profile: Profile, given: Mapping[str, Value], value: Value) -> Value:
    """The value with a ``$parameter`` replaced by what the job gives; raises ``ParameterProblem`` if it gives none."""
    for name in _references(value):
        found = given.get(name, profile.parameters[name].default)
        if found is None:
            raise ParameterProblem(name, "is required by the profile")
        return found
    return value


MASK = "********"


def without_secrets(profile: Profile, given: Mapping[str, Value], text: str) -> str:
    """The text with every secret value that the job gives masked: some devices quote what they were told."""
    values = (given.get(name, profile.parameters[name].default) for name in profile.secrets)
    secrets = {str(value) for value in values if value not in (None, "")}
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text
