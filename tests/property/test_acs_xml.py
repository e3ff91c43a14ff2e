"""What nearly every CPE sends is parsed the quick way: it must come to the same as the careful one."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from hypothesis import given
from hypothesis import strategies as st

from ztpd.acs import xml
from ztpd.acs.errors import SoapError

# A comment at the end changes nothing of a document, and sends it the careful way.
CARE = b"<!---->"

_NAMES = st.sampled_from(["Inform", "cwmp:Inform", "s:Body", "Name", "Value", "xml:a", ":a", "c:d:e", "other:Name"])
_ATTRIBUTES = st.lists(
    st.sampled_from(
        [
            'xmlns:cwmp="urn:dslforum-org:cwmp-1-2"',
            'xmlns="urn:dslforum-org:cwmp-1-0"',
            'xmlns:other="urn:}x"',
            'xmlns=""',
            "s:type='2'",
            'n="1"',
        ]
    ),
    max_size=2,
    unique_by=lambda attribute: attribute.partition("=")[0],
)
_TEXTS = st.sampled_from(["", " ", "text", "&amp;", "&#65;", "a&b", "<?pi x?>", "\r\n", "é", " x ", "\x01"])


def _element(name: str, attributes: Sequence[str], text: str, children: Sequence[str]) -> str:
    return f"<{name}{''.join(f' {each}' for each in attributes)}>{text}{''.join(children)}</{name}>"


_PLAIN = st.sampled_from(["Name", "Value", "s:Body", "cwmp:Inform", "cwmp:ID"])
_ELEMENTS = st.recursive(
    st.one_of(
        st.builds(_element, _PLAIN, st.just([]), st.sampled_from(["", "text", "&amp;", " é "]), st.just([])),
        st.builds(_element, st.one_of(_PLAIN, _NAMES), _ATTRIBUTES, _TEXTS, st.just([])),
    ),
    lambda inner: st.builds(_element, _PLAIN, st.just([]), st.just(" "), st.lists(inner, max_size=3)),
    max_leaves=6,
)
_DOCUMENTS = st.builds(
    lambda declaration, namespace, inner: (
        f'{declaration}<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:cwmp="{namespace}">'
        f"{inner}</s:Envelope>"
    ).encode(),
    st.sampled_from(
        ["", '<?xml version="1.0" encoding="UTF-8"?>', "<?xml version='1.0' encoding='latin-1'?>", "\ufeff"]
    ),
    st.sampled_from(
        ["urn:dslforum-org:cwmp-1-0", "urn:dslforum-org:cwmp-1-2", "urn:dslforum-org:cwmp-1-4", "urn:other"]
    ),
    _ELEMENTS,
)


def _parsed(body: bytes) -> object:
    try:
        document = xml.parse(body)
    except SoapError as error:
        return type(error)
    return document.cwmp_namespace, _as_plain(document.root)


def _as_plain(element: Element) -> tuple[object, ...]:
    return element.tag, element.text or "", [_as_plain(child) for child in element]


@given(_DOCUMENTS)
def test_the_quick_way_and_the_careful_one_come_to_the_same(body: bytes) -> None:
    assert _parsed(body) == _parsed(body + CARE)
