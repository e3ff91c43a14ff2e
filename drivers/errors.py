"""What can go wrong with an element, by class: the class decides what happens next, the data says what to show."""


class HostKeysUnreadable(ValueError):
    """The host key or known_hosts file that is configured for an element cannot be used; the message says why."""


class ElementError(Exception):
    """An element did not do what it was asked; ``operation`` names the RPC or command, ``answer`` what came back.

    ``tag`` and ``path`` are the element's own code and the place it points to, where it gives them (NETCONF:
    error-tag and error-path, RFC 6241 §4.3).
    """

    def __init__(
        self, element: str, operation: str, answer: str, *, tag: str | None = None, path: str | None = None
    ) -> None:
        self.element = element
        self.operation = operation
        self.answer = answer
        self.tag = tag
        self.path = path
        super().__init__(f"{element}: {operation}: {answer}")


class Unreachable(ElementError):
    """No session, or it broke: what the element did is unknown until it is read again. Retried."""


class NotTheElement(Unreachable):
    """Whoever answers shows another key or certificate than is configured for the element; nothing was sent to it."""


class Busy(ElementError):
    """The element is there but cannot do it now (lock held, in-progress commit, too many sessions). Retried."""


class Rejected(ElementError):
    """The element understood and refused. Not retried: someone must read ``answer``."""


class NotLetIn(Rejected):
    """The element does not know the user, or not by that password, key or token."""


class Conflict(Rejected):
    """It would overwrite what is not ours, or the same serial is configured elsewhere. Not retried."""
