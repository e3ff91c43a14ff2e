"""What the contract does to every lab element that speaks NETCONF."""

from collections import Counter
from typing import Protocol

from ztpd.lab.cuts import Moment
from ztpd.lab.netconf.faults import Faults, Refusal


class Element(Protocol):
    """What the element itself can be asked and made to do wrong."""

    faults: Faults

    @property
    def writes(self) -> int: ...

    @property
    def rpcs(self) -> Counter[str]: ...

    def reset(self) -> None: ...

    def clear_faults(self) -> None: ...


class Lab(Protocol):
    """What stands around it."""

    def unplug(self, device: str, /) -> None: ...

    def running_config(self) -> bytes: ...

    def hold_lock(self) -> None: ...

    def release_lock(self) -> None: ...

    def end_sessions(self) -> None: ...

    async def change_host_key(self) -> None: ...

    def restart(self) -> None: ...


class NetconfElement:
    """The part of ``tests.contract.harness.ElementHarness`` that is the same for all of them."""

    def __init__(self, lab: Lab, element: Element) -> None:
        self._around = lab
        self._element = element

    def unplug(self, device: str) -> None:
        self._around.unplug(device)

    def configuration(self) -> bytes:
        return self._around.running_config()

    def writes(self) -> int:
        return self._element.writes

    def requests(self) -> int:
        return self._element.rpcs.total()

    def reset(self) -> None:
        self._element.reset()

    def cut_at_request(self, nth: int, *, after_its_effect: bool) -> None:
        self._element.faults.cut_at = nth
        self._element.faults.cut_moment = Moment.AFTER if after_its_effect else Moment.BEFORE

    def hang(self) -> None:
        self._element.faults.hang_after = 0

    def recover(self) -> None:
        self._element.clear_faults()

    def bar(self, device: str) -> None:
        self._element.faults.barred_serials.add(device)

    def refuse_next_write(self) -> None:
        self._element.faults.refuse("edit-config", 1, Refusal("operation-failed", "no such profile"))

    def lock(self) -> None:
        self._around.hold_lock()

    def unlock(self) -> None:
        self._around.release_lock()

    def end_sessions(self) -> None:
        self._around.end_sessions()

    async def change_host_key(self) -> None:
        await self._around.change_host_key()

    async def restart(self) -> None:
        self._around.restart()
