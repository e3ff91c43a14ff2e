"""Whom a CPE may be told to inform."""

import pytest
from pydantic import TypeAdapter, ValidationError

from ztpd.domain.handover import AcsUrl

URL: TypeAdapter[str] = TypeAdapter(AcsUrl)


@pytest.mark.parametrize(
    "url",
    [
        "http://acs.example.net/",
        "https://acs.example.net:7547/acs?x=1",
        "http://[2001:db8::1]:7547/",
        "HTTP://10.0.0.1",
    ],
)
def test_urls_of_an_acs(url: str) -> None:
    assert URL.validate_python(url) == url


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "is no URL"),
        ("acs.example.net", "is no URL"),
        ("ftp://acs.example.net/", "is no URL"),
        ("http://", "is no URL"),
        ("http://acs.example.net:0/", "is no URL"),
        ("http://acs.example.net:99999/", "is no URL"),
        ("http://[::1", "is no URL"),
        ("http://acs.example.net/a b", "is no URL"),
        ("http://acs.example.net/\n", "is no URL"),
        ("http://äcs.example.net/", "is no URL"),
        ("http://cpe:secret@acs.example.net/", "holds a user"),
        ("http://acs.example.net/" + "x" * 256, "at most 256"),
    ],
)
def test_what_is_no_url_of_an_acs_says_why(url: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        URL.validate_python(url)
