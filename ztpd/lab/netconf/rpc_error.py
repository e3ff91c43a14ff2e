"""The errors that a NETCONF server answers with (RFC 6241 §4.3 and appendix A)."""

from lxml import etree

NETCONF = "urn:ietf:params:xml:ns:netconf:base:1.0"
Element = etree._Element


class RpcError(Exception):
    """One ``<rpc-error>``: tag, message, and the path and further information where there are any."""

    def __init__(
        self,
        tag: str,
        message: str,
        *,
        error_type: str = "application",
        path: str | None = None,
        info: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.tag = tag
        self.message = message
        self.error_type = error_type
        self.path = path
        self.info = info
        super().__init__(f"{tag}: {message}")

    def to_element(self) -> Element:
        """The element as it goes into a reply."""
        error = etree.Element(f"{{{NETCONF}}}rpc-error")
        _add(error, "error-type", self.error_type)
        _add(error, "error-tag", self.tag)
        _add(error, "error-severity", "error")
        if self.path is not None:
            _add(error, "error-path", self.path)
        _add(error, "error-message", self.message)
        if self.info:
            details = etree.SubElement(error, f"{{{NETCONF}}}error-info")
            for name, value in self.info:
                _add(details, name, value)
        return error


def _add(parent: Element, tag: str, text: str) -> None:
    etree.SubElement(parent, f"{{{NETCONF}}}{tag}").text = text
