"""What an element said that could not be read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Malformed:
    """One entry that was left out, and why: it harms only itself."""

    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"
