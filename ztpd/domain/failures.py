"""The stable failure codes, each with a sentence for the technician and one for the operator."""

import enum
from dataclasses import dataclass
from typing import NamedTuple


class Code(enum.StrEnum):
    """Why a job is held or failed. Values are part of the API and never change their meaning."""

    ADDRESS_UNKNOWN = "address-unknown"
    NOT_SERVICEABLE = "not-serviceable"
    PROFILE_MISSING = "profile-missing"
    DEVICE_MISSING = "device-missing"
    PORT_OCCUPIED = "port-occupied"
    NOT_SEEN = "not-seen"
    WRONG_SERIAL = "wrong-serial"
    WRONG_PORT = "wrong-port"
    DUPLICATE_SERIAL = "duplicate-serial"
    DUPLICATE_MAC = "duplicate-mac"
    LOW_LIGHT = "low-light"
    LOW_SIGNAL = "low-signal"
    ELEMENT_UNREACHABLE = "element-unreachable"
    ELEMENT_BUSY = "element-busy"
    ELEMENT_REJECTED = "element-rejected"
    CPE_SILENT = "cpe-silent"
    CPE_FAULT = "cpe-fault"
    WRONG_TIER = "wrong-tier"
    TEST_FAILED = "test-failed"
    NOT_VERIFIABLE = "not-verifiable"
    EVIDENCE_MISSING = "evidence-missing"
    TIMEOUT = "timeout"


class Sentences(NamedTuple):
    """What to tell whom."""

    technician: str
    operator: str


SENTENCES: dict[Code, Sentences] = {
    Code.ADDRESS_UNKNOWN: Sentences(
        "The address of this job is not in the system yet; nothing can be installed until the office adds it.",
        "Add the location with PUT /v1/locations/{id}; the job goes on by itself.",
    ),
    Code.NOT_SERVICEABLE: Sentences(
        "This address cannot be served yet; call the office before you drive.",
        "The location is marked as not serviceable or has no access port; correct the location.",
    ),
    Code.PROFILE_MISSING: Sentences(
        "The product of this job is not set up in the network yet; the office must finish it first.",
        "Add the profile to the profiles folder, or correct its name or parameters in the job.",
    ),
    Code.DEVICE_MISSING: Sentences(
        "No device is assigned to this job yet; scan the one you have or ask the office to assign one.",
        "Allocate the device: PUT the job again with its serial under devices.",
    ),
    Code.PORT_OCCUPIED: Sentences(
        "The port of this address is in use by another service; do not unplug anything and call the office.",
        "Another open job or service holds this port or this device; correct one of the two.",
    ),
    Code.NOT_SEEN: Sentences(
        "The network has not heard the device: check power, the fibre or cable, and that it is the assigned device.",
        "No announcement arrived in the window of the job; check the drop and the element's port.",
    ),
    Code.WRONG_SERIAL: Sentences(
        "Another device than the assigned one is plugged in: scan its serial or plug in the assigned one.",
        "The port shows a serial that is not allocated to the job.",
    ),
    Code.WRONG_PORT: Sentences(
        "The device is on another port than planned: check the cable, or splitter and drop fibre, of this address.",
        "The device was heard on another port than the location's; move it, or correct the location.",
    ),
    Code.DUPLICATE_SERIAL: Sentences(
        "A second device reports the same serial; replace this one and bring it back.",
        "The same serial is alive in two places: one is a clone. Nothing was configured.",
    ),
    Code.DUPLICATE_MAC: Sentences(
        "A second device uses the same MAC address; replace this one and bring it back.",
        "The same MAC address is heard behind two elements, or on two ports, at a time: a clone, or a loop.",
    ),
    Code.LOW_LIGHT: Sentences(
        "Too little light: clean and reseat the connectors, check for bends, then plug the device in again.",
        "The optical level is outside the limits of the profile; the order stays open for the next visit.",
    ),
    Code.LOW_SIGNAL: Sentences(
        "The radio signal is too weak: realign the antenna and check what stands in the way, then restart it.",
        "The signal level is outside the limits of the profile; the order stays open for the next visit.",
    ),
    Code.ELEMENT_UNREACHABLE: Sentences(
        "The network equipment does not answer right now; leave the device plugged in, it is tried again.",
        "The element did not answer; check its management link. The job is repeated with a growing pause.",
    ),
    Code.ELEMENT_BUSY: Sentences(
        "The network equipment is busy; leave the device plugged in, it is tried again.",
        "The element refused for now (lock held or a commit under way); the job is repeated.",
    ),
    Code.ELEMENT_REJECTED: Sentences(
        "The network equipment refused the configuration; the office has to look at it. Leave the device plugged in.",
        "The element refused the configuration; its answer is in the job's detail.",
    ),
    Code.CPE_SILENT: Sentences(
        "The line works but the router does not report: restart it, and check that its WAN port is connected.",
        "No Inform arrived in time after the network was configured; check DHCP, the ACS address and the WAN VLAN.",
    ),
    Code.CPE_FAULT: Sentences(
        "The router refused a setting; the office has to look at it. Leave it plugged in.",
        "The CPE answered with a fault or did not keep a value; parameter and fault are in the job's detail.",
    ),
    Code.WRONG_TIER: Sentences(
        "The line came up with another speed than ordered; wait, the office has to look at it.",
        "What was read back differs from the ordered profile; the differences are in the job's detail.",
    ),
    Code.TEST_FAILED: Sentences(
        "The router is set up, but its own test of the line did not succeed; restart it and have the office try again.",
        "A test that the profile wants of the CPE went wrong, or came out beyond its limits; the detail says how.",
    ),
    Code.NOT_VERIFIABLE: Sentences(
        "The line is set up, but the network cannot show that it works as ordered; the office has to look at it.",
        "The element, or the CPE, cannot show what the detail names. Check it by other means and vouch for it: "
        "POST /v1/jobs/{id}/vouch, or `vouched` of the element for all its jobs.",
    ),
    Code.EVIDENCE_MISSING: Sentences(
        "The report is not complete: each missing or failed item is listed; correct it before you leave.",
        "The completion lacks evidence that the profile asks for.",
    ),
    Code.TIMEOUT: Sentences(
        "It took too long; leave the device plugged in and try again.",
        "The attempt did not end in time; what the element did is read again at the next attempt.",
    ),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure or missing leg: its stable code and what was found, in numbers or in the element's words."""

    code: Code
    detail: str = ""

    @property
    def technician(self) -> str:
        """The sentence for the technician."""
        return SENTENCES[self.code].technician

    @property
    def operator(self) -> str:
        """The sentence for the operator."""
        return SENTENCES[self.code].operator

    def describe(self) -> dict[str, str]:
        """The failure as it appears in events and answers."""
        return {
            "code": self.code.value,
            "detail": self.detail,
            "technician": self.technician,
            "operator": self.operator,
        }
