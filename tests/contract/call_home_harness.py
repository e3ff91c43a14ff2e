"""The lab OLT that calls home, and the listener that it calls."""

import contextlib
from collections.abc import AsyncIterator

from drivers.base import Driver
from drivers.netconf.call_home import CallHome
from drivers.netconf_bbf import NetconfBbfDriver
from tests.contract.bbf_harness import NetconfBbfHarness
from tests.contract.harness import RPC_TIMEOUT_S, ElementHarness
from ztpd.lab.olt import LabOlt, LabOltSettings, lab_olt


class CallHomeHarness(NetconfBbfHarness):
    """The NETCONF driver for TR-385 over connections that the OLT opens."""

    def __init__(self, lab: LabOlt, listener: CallHome) -> None:
        super().__init__(lab)
        self._listener = listener

    def driver(self, *, password: str | None = None, rpc_timeout_s: float = RPC_TIMEOUT_S) -> Driver:
        # However a driver is set, it is the same element that calls.
        calling = self._listener.expect(self.settings(password=None, rpc_timeout_s=RPC_TIMEOUT_S))
        return NetconfBbfDriver(self.settings(password=password, rpc_timeout_s=rpc_timeout_s), calling)


@contextlib.asynccontextmanager
async def calling_olt() -> AsyncIterator[ElementHarness]:
    """A lab OLT that calls home."""
    listener = CallHome("127.0.0.1", 0)
    await listener.start()
    try:
        async with lab_olt(LabOltSettings(ports=2, call_home=("127.0.0.1", listener.port))) as lab:
            yield CallHomeHarness(lab, listener)
    finally:
        await listener.stop()
