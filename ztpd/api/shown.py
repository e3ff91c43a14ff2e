"""What every answer is, and how a part of a list is answered."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")


class Shown(BaseModel):
    """A value as it is sent; whatever else a row holds stays behind. Times are RFC 3339 texts in UTC."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class PageOf(Shown, Generic[T]):
    """A part of a list; ``next`` is the ``after`` of the following page, null when there is none."""

    items: list[T]
    next: str | None
