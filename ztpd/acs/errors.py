"""What can be wrong with what a CPE sends, by class: each says what, where and what was expected instead."""


class SoapError(Exception):
    """The body of a POST is no CWMP message; ``what`` is wrong ``where``, both fit to be shown and logged."""

    def __init__(self, what: str, where: str) -> None:
        self.what = what
        self.where = where
        super().__init__(f"{where}: {what}")


class ForbiddenXml(SoapError):
    """The document declares a DOCTYPE: CWMP needs none, and entities are how XML parsers are attacked."""


class MalformedXml(SoapError):
    """The document is not well-formed, not even after the repairs that known devices need."""


class TooComplex(SoapError):
    """The document goes beyond a bound (bytes, depth, attributes, elements) that no device comes near."""


class NotCwmp(SoapError):
    """Well-formed XML, but not a SOAP envelope with a CWMP message in it."""
