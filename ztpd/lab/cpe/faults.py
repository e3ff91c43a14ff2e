"""How a CPE refuses a request (TR-069 Amendment 6, A.5.1)."""


class CwmpFault(Exception):
    """The CPE refuses a request: code, text, and (path, code, text) for each parameter refused."""

    def __init__(self, code: int, message: str, parameters: tuple[tuple[str, int, str], ...] = ()) -> None:
        self.code = code
        self.message = message
        self.parameters = parameters
        super().__init__(f"{code} {message}")
