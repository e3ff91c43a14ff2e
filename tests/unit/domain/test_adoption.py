"""A list held against an element: who is whose, what fits nothing, and when a pair may become ours."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from drivers.access import Difference, ObservedAccess
from pon.onu import Presence
from ztpd.domain import takeover
from ztpd.domain.adoption import Finding, ListedService, Outcome, Pair, pair, unlisted
from ztpd.domain.model import Access, LocationBody
from ztpd.domain.profile import Profile
from ztpd.domain.takeover import Known, completed, held_against, obstacle

SERIAL, OTHER = "HWTC1A2B3C4D", "ALCL00000001"
MAC = "00:25:9e:1a:2b:3c"
PARAMETERS = {"c_vlan": 301, "wifi_ssid": "home", "wifi_passphrase": "correct horse"}


def listed(**others: Any) -> ListedService:
    fields = {"service": "SVC-1", "account": "ACC-1", "location": "LOC-1", "profile": "residential-1g"}
    named = {} if {"serial", "mac", "port"} & others.keys() else {"serial": SERIAL}
    return ListedService.model_validate({**fields, "parameters": PARAMETERS, **named, **others})


def made(device: str = SERIAL, port: str | None = "1/1/1", **others: Any) -> ObservedAccess:
    fields: dict[str, Any] = {
        "device": device,
        "port": port,
        "service": None,
        "s_vlan": 201,
        "c_vlan": 301,
        "downstream_bps": 1_000_000_000,
        "upstream_bps": 1_000_000_000,
        "assured_upstream_bps": 0,
        "presence": Presence.INTENDED,
        "unmodelled": frozenset({"priority", "fixed_upstream_bps", "address", "ppp_user"}),
    }
    return ObservedAccess(**{**fields, **others})


def outcomes(findings: tuple[Finding, ...]) -> list[tuple[int, Outcome]]:
    return [(each.line, each.outcome) for each in findings]


class TestList:
    @pytest.mark.parametrize(
        "spelt", ["hwtc1a2b3c4d", "HWTC:1A2B3C4D", "485754431A2B3C4D", "485754431A2B3C4D (HWTC-1A2B3C4D)"]
    )
    def test_a_serial_may_be_spelt_as_any_label_prints_it(self, spelt: str) -> None:
        assert listed(serial=spelt).serial == SERIAL

    def test_a_mac_may_be_spelt_in_any_way(self) -> None:
        assert listed(mac="00-25-9E-1A-2B-3C").mac == MAC

    def test_a_line_that_names_no_device_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="give a serial, a mac or a port"):
            listed(serial=None)

    def test_a_wrong_serial_is_refused_with_what_is_expected(self) -> None:
        with pytest.raises(ValidationError, match="is no PON serial"):
            listed(serial="12")


class TestPair:
    def test_a_serial_finds_its_onu_however_the_list_spells_it(self) -> None:
        found = pair([listed(serial="HWTC:1a2b3c4d", port="1/1/1")], [made()])
        assert found.pairs == (Pair(1, listed(serial=SERIAL, port="1/1/1"), made()),)
        assert (found.findings, found.unlisted) == ((), ())

    def test_a_subscriber_of_a_radio_is_found_by_his_mac(self) -> None:
        assert len(pair([listed(mac=MAC)], [made(MAC, "ap-1")]).pairs) == 1

    def test_a_line_of_a_switch_is_found_by_its_port_whatever_the_router_is(self) -> None:
        found = pair(
            [listed(mac=MAC, port="Ethernet2")], [made("Ethernet2", "Ethernet2"), made("Ethernet3", "Ethernet3")]
        )
        assert [each.observed.device for each in found.pairs] == ["Ethernet2"]
        assert [each.device for each in found.unlisted] == ["Ethernet3"]

    def test_a_port_alone_finds_no_onu(self) -> None:
        found = pair([listed(port="1/1/1")], [made()])
        assert outcomes(found.findings) == [(1, Outcome.ABSENT)]
        assert found.unlisted == (made(),)

    def test_another_port_than_listed_is_refused_and_the_device_is_not_unlisted(self) -> None:
        found = pair([listed(port="1/1/2", serial=SERIAL)], [made()])
        assert outcomes(found.findings) == [(1, Outcome.REFUSED)]
        assert "port 1/1/1, the list says 1/1/2" in found.findings[0].problem
        assert found.unlisted == ()

    def test_what_is_not_there_is_told(self) -> None:
        found = pair([listed()], [made(OTHER)])
        assert outcomes(found.findings) == [(1, Outcome.ABSENT)]
        assert found.unlisted == (made(OTHER),)

    def test_a_device_on_two_lines_is_nobodys(self) -> None:
        found = pair([listed(), listed(service="SVC-2", serial="HWTC-1a2b3c4d")], [made()])
        assert outcomes(found.findings) == [(1, Outcome.AMBIGUOUS), (2, Outcome.AMBIGUOUS)]
        assert found.unlisted == ()

    def test_a_device_on_two_lines_is_nobodys_though_one_says_where(self) -> None:
        found = pair(
            [listed(port="1/1/1", serial=SERIAL), listed(service="SVC-2", port="1/1/2", serial=SERIAL)], [made()]
        )
        assert outcomes(found.findings) == [(1, Outcome.AMBIGUOUS), (2, Outcome.AMBIGUOUS)]

    def test_a_service_on_two_lines_gets_neither_device(self) -> None:
        found = pair([listed(), listed(serial=OTHER)], [made(), made(OTHER)])
        assert outcomes(found.findings) == [(1, Outcome.AMBIGUOUS), (2, Outcome.AMBIGUOUS)]

    def test_a_device_that_the_element_shows_twice_is_nobodys(self) -> None:
        found = pair([listed()], [made(), made(port="1/1/2")])
        assert outcomes(found.findings) == [(1, Outcome.AMBIGUOUS)]
        assert "1/1/1" in found.findings[0].problem
        assert "1/1/2" in found.findings[0].problem

    def test_what_no_line_names_is_told_with_whom_it_was_made_for(self) -> None:
        assert unlisted(made(service="CRM-7"), None).outcome is Outcome.UNLISTED
        assert "for CRM-7" in unlisted(made(service="CRM-7"), None).problem
        assert unlisted(made(), "SVC-9") == Finding(Outcome.OURS, 0, "SVC-9", SERIAL, "1/1/1")


HERE = LocationBody(address="here", access=Access(technology="pon", element="olt-1", port="1/1/1"))


class TestObstacle:
    def known(self, residential: Profile, **others: Any) -> Known:
        return replace(Known(profile=residential, place=HERE), **others)

    def ask(self, known: Known, each: Pair | None = None) -> Finding | None:
        return obstacle(each or Pair(1, listed(), made()), "olt-1", "pon", known)

    def test_a_new_service_at_a_known_place_may_be_taken_over(self, residential: Profile) -> None:
        assert self.ask(self.known(residential)) is None

    def test_a_reserved_service_may_be_taken_over(self, residential: Profile) -> None:
        reserved = {"state": "reserved", "account": "ACC-1", "at": "LOC-1", "sold": "residential-1g"}
        assert self.ask(self.known(residential, **reserved)) is None

    @pytest.mark.parametrize("state", ["active", "suspended"])
    def test_what_has_the_device_already_is_ours(self, residential: Profile, state: str) -> None:
        ours = {"state": state, "account": "ACC-1", "at": "LOC-1", "sold": "residential-1g", "has": (SERIAL,)}
        found = self.ask(self.known(residential, **ours))
        assert found is not None
        assert found.outcome is Outcome.OURS

    @pytest.mark.parametrize(
        ("others", "said"),
        [
            ({"place": None}, "location LOC-1 is not known"),
            ({"profile": None}, "profile residential-1g is not known"),
            ({"holder": "service SVC-9"}, "belongs to service SVC-9"),
            ({"held_for": "duplicate-serial"}, "in quarantine: duplicate-serial"),
            ({"state": "reserved", "account": "X", "at": "LOC-1", "sold": "residential-1g"}, "another account"),
            ({"state": "reserved", "account": "ACC-1", "at": "LOC-2", "sold": "residential-1g"}, "location LOC-2"),
            ({"state": "terminated", "account": "ACC-1", "at": "LOC-1", "sold": "residential-1g"}, "terminated"),
            (
                {"state": "active", "account": "ACC-1", "at": "LOC-1", "sold": "residential-1g", "has": (OTHER,)},
                f"is active with {OTHER}",
            ),
        ],
    )
    def test_what_stands_in_the_way_is_told_with_a_remedy(
        self, residential: Profile, others: dict[str, Any], said: str
    ) -> None:
        found = self.ask(self.known(residential, **others))
        assert found is not None
        assert (found.outcome, found.service, found.device) == (Outcome.REFUSED, "SVC-1", SERIAL)
        assert said in found.problem
        assert found.remedy

    def test_a_place_on_another_port_is_told_with_both(self, residential: Profile) -> None:
        found = self.ask(self.known(residential), Pair(1, listed(), made(port="1/1/2")))
        assert found is not None
        assert "served by olt-1 1/1/1, the device is on olt-1 1/1/2" in found.problem

    def test_an_unknown_place_with_an_address_is_described_by_what_the_element_shows(
        self, residential: Profile
    ) -> None:
        each = Pair(1, listed(address="12 High Street"), made())
        assert self.ask(self.known(residential, place=None), each) is None
        assert takeover.described(each, "olt-1", "pon", None) == HERE.model_copy(update={"address": "12 High Street"})

    def test_a_place_without_a_port_is_given_the_one_that_the_element_shows(self, residential: Profile) -> None:
        bare = LocationBody(address="here")
        assert self.ask(self.known(residential, place=bare)) is None
        assert takeover.described(Pair(1, listed(), made()), "olt-1", "pon", bare) == HERE

    def test_a_wrong_parameter_is_refused_and_a_missing_one_is_not(self, residential: Profile) -> None:
        wrong = self.ask(self.known(residential), Pair(1, listed(parameters={"c_vlan": 5000}), made()))
        assert wrong is not None
        assert "c_vlan" in wrong.problem
        assert self.ask(self.known(residential), Pair(1, listed(parameters={}), made())) is None

    def test_a_profile_of_another_technology_is_refused(self, residential: Profile) -> None:
        found = obstacle(Pair(1, listed(), made()), "sw-1", "ethernet", self.known(residential, place=None))
        assert found is not None
        assert "not made for ethernet" in found.problem


class TestHeldAgainst:
    def found(self, profile: Profile, each: Pair) -> Finding:
        return held_against(completed(each, profile), profile)

    def speeds(self, profile: Profile) -> dict[str, Any]:
        return {
            "downstream_bps": profile.speed.downstream_mbps * 10**6,
            "upstream_bps": profile.speed.upstream_mbps * 10**6,
            "assured_upstream_bps": profile.speed.assured_upstream_mbps * 10**6,
            "s_vlan": 201,
        }

    def test_what_is_as_listed_is_adopted_as_it_is(self, residential: Profile) -> None:
        found = self.found(residential, Pair(1, listed(), made(**self.speeds(residential))))
        assert (found.outcome, found.differences, found.unread, found.problem) == (Outcome.ADOPTED, (), (), "")

    def test_what_differs_is_adopted_and_told(self, residential: Profile) -> None:
        shown = made(**{**self.speeds(residential), "downstream_bps": 100_000_000})
        found = self.found(residential, Pair(1, listed(), shown))
        wanted = residential.speed.downstream_mbps * 10**6
        assert found.outcome is Outcome.ADOPTED_DIFFERENT
        assert found.differences == (Difference("downstream_bps", 100_000_000, wanted),)

    def test_what_the_list_believes_active_and_the_element_has_disabled_differs(self, residential: Profile) -> None:
        shown = made(**self.speeds(residential), enabled=False)
        assert self.found(residential, Pair(1, listed(), shown)).outcome is Outcome.ADOPTED
        found = self.found(residential, Pair(1, listed(state="active"), shown))
        assert found.differences == (Difference("enabled", False, True),)

    def test_what_cannot_be_read_is_named_and_no_difference(self, residential: Profile) -> None:
        shown = made(**{**self.speeds(residential), "downstream_bps": None, "s_vlan": None, "c_vlan": None})
        found = self.found(residential, Pair(1, listed(), shown))
        assert (found.outcome, set(found.unread)) == (Outcome.ADOPTED, {"downstream_bps", "s_vlan", "c_vlan"})

    def test_a_vlan_that_the_list_leaves_out_is_read_off_the_element(self, residential: Profile) -> None:
        each = completed(Pair(1, listed(parameters={}), made(**self.speeds(residential))), residential)
        assert each.listed.parameters == {"c_vlan": 301}
        found = held_against(each, residential)
        assert found.outcome is Outcome.ADOPTED
        assert "lacks parameters" in found.problem
        assert "wifi_ssid" in found.problem

    def test_a_vlan_that_nobody_tells_is_not_compared(self, residential: Profile) -> None:
        shown = made(**{**self.speeds(residential), "c_vlan": None})
        found = self.found(residential, Pair(1, listed(parameters={}), shown))
        assert (found.outcome, found.differences) == (Outcome.ADOPTED, ())
        assert "c_vlan" in found.unread
