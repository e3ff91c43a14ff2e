"""Patterns: the wording of four makers fits, everyday lines do not, and none can take long."""

import pytest

from ztpd.discovery.line_patterns import DEFAULTS, LONGEST_SEARCHED, MOST_PATTERNS, LinePatterns, PatternRefused

SHIPPED = LinePatterns(DEFAULTS)


@pytest.mark.parametrize(
    "said",
    [
        # Huawei's alarm names, as its pages print them.
        "The dying-gasp of GPON ONTi (DGi) is generated",
        "The distribute fiber is broken or the OLT cannot receive expected optical signals from the ONT(LOSi/LOBi)",
        "The ONT goes online, FrameID: 0, SlotID: 1",
        "An ONT is automatically discovered, SN 48575443",
        "ONT autofind 0/1/3",
        # ZTE: alarm names of ZXGPON-SERVICE-MIB and its phase states.
        "GPON alarm LOSi occurred gpon-onu_1/2/1:3",
        "gpon-onu_1/2/1:3 DyingGasp",
        "uncfg onu found on gpon-olt_1/2/1",
        # Nokia and V-SOL.
        "ONT 1/1/1/4/7 loss of signal",
        "unprovisioned ONT on PON 1/1/1/4",
        "onu 0/1:5 auto find sn GPON00000001",
        "New ONU detected on pon 2",
        "GPON0/1 ONU 3 deregister",
        "%LINK-3-UPDOWN: Interface gpon 0/1 link up",
        "linkDown trap",
    ],
)
def test_what_elements_say_of_onus_fits(said: str) -> None:
    assert SHIPPED.fit(said)


@pytest.mark.parametrize(
    "said",
    [
        "user admin logged in from 192.0.2.4",
        "'su root' failed for lonvick on /dev/pts/8",
        "fan tray 1 speed changed to 60%",
        "ONT 0/1/3 4 upgrade progress 60%",
        "configuration saved, close connection",
        "",
    ],
)
def test_everyday_lines_do_not(said: str) -> None:
    assert not SHIPPED.fit(said)


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("", "1 to 500 characters"),
        ("x" * 501, "1 to 500 characters"),
        ("(ont", "unterminated"),
        ("(a+)+b", "repeats a group"),
        ("(?:a|aa){2,9}b", "repeats a group"),
        (".*ont.*up", "repeats too much"),
        (".{0,400}ont.{0,400}", "repeats too much"),
        (r"\s+ont\d+", "repeats too much"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_named_with_a_remedy(pattern: str, problem: str) -> None:
    with pytest.raises(PatternRefused, match=problem) as caught:
        LinePatterns(["fine", pattern])
    assert caught.value.index == 1
    assert caught.value.remedy


@pytest.mark.parametrize(
    "pattern", ["ont.*up", r"[\d/]+ up", r"ont .{0,40}\d{1,3}", r"a\*b\*c\+", "[*+]{3}[*+]", "(on|off)line"]
)
def test_patterns_of_use_are_taken(pattern: str) -> None:
    assert len(LinePatterns([pattern])) == 1


def test_there_are_not_too_many() -> None:
    with pytest.raises(PatternRefused, match=f"more than {MOST_PATTERNS}"):
        LinePatterns(["x"] * (MOST_PATTERNS + 1))


def test_only_the_beginning_of_a_line_is_searched() -> None:
    assert SHIPPED.fit("x" * (LONGEST_SEARCHED - 8) + "autofind")
    assert not SHIPPED.fit("x" * LONGEST_SEARCHED + "autofind")
