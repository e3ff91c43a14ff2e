"""A connection to an MQTT 5 broker, as long as a block lasts: what goes wrong with it is one of four named errors.

What belongs here: connecting, TLS, subscribing, acknowledging. What does not: what a message means. aiomqtt drives
paho-mqtt; where the two leave something open or unsaid, this module closes and says it.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt
from aiomqtt import Message, MqttCodeError, MqttError
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from ztpd.discovery.mqtt_announcement import PREFIX

RECEIVE_MAXIMUM = 256
"""How many messages of QoS 1 may be unacknowledged: the broker holds the next ones back (MQTT 5 §3.1.2.11.3)."""

SESSION_S = 120
"""How long the broker keeps our subscription and what comes for it while we are away (MQTT 5 §3.1.2.11.2).

No longer: a shared subscription gives a node that is gone its share all the same, and that share waits for it.
"""

PACKET_BYTES = 64 * 1024
"""The longest packet the broker may send: what is longer than an announcement, but not absurd, is refused by name."""

KEEPALIVE_S = 15

# What the libraries would say of a connection that failed, the errors here say with the remedy.
_LIBRARY_LOG = logging.getLogger("ztpd.mqtt")
_LIBRARY_LOG.setLevel(logging.CRITICAL + 1)

_GIVE_UP_S = 2.5

# Reason codes, MQTT 5 §2.4.
_UNSPECIFIED = 128
_NOT_SHARED = 158  # Shared Subscriptions not supported
_NOT_US = frozenset({133, 134, 135, 138, 140})  # client id, user name or password, authorisation, banned, method


class BrokerError(Exception):
    """Nothing is heard of the broker at ``where``: ``problem`` says why, ``remedy`` what to do."""

    remedy = ""

    def __init__(self, where: str, problem: str) -> None:
        self.where = where
        self.problem = problem
        super().__init__(f"{where}: {problem}; {self.remedy}")


class BrokerUnreachable(BrokerError):
    """Nothing answers there, or not as an MQTT 5 broker does."""

    remedy = "check that the broker runs, speaks MQTT 5 there, and with TLS if and only if the URL is mqtts://"


class BrokerUntrusted(BrokerError):
    """TLS failed: its certificate, ours, or what the two speak."""

    remedy = "check ca_file, the host name in the broker's certificate, and that the port speaks TLS"


class BrokerRefused(BrokerError):
    """The broker answers and does not let us in, or not read there."""

    remedy = "check username, password_file or certificate_file, and the broker's ACL"


class BrokerLost(BrokerError):
    """The connection ended."""

    remedy = "see the broker's log; each node needs a client_id of its own"


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """Where the broker is and as whom we come; ``answer_s`` bounds the wait for each of its answers."""

    host: str
    port: int
    client_id: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    prefix: str = PREFIX
    share: str = "ztpd"
    answer_s: float = 10.0

    def __str__(self) -> str:
        return f"{'mqtt' if self.tls is None else 'mqtts'}://{self.host}:{self.port}"

    @property
    def subscription(self) -> str:
        """The topic filter that all nodes of the share group divide among them."""
        return f"$share/{self.share}/{self.prefix}/+"


class _TidySocket(ssl.SSLSocket):
    """Closed when its handshake fails: paho leaves that to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def tls_context(ca_file: Path | None, certificate_file: Path | None, key_file: Path | None) -> ssl.SSLContext:
    """TLS that verifies the broker, by the system's CAs unless ``ca_file`` names others, and shows our certificate.

    Raises ``OSError`` (``ssl.SSLError`` among them) when a file cannot be used.
    """
    context = ssl.create_default_context(cafile=ca_file)
    context.sslsocket_class = _TidySocket
    if certificate_file is not None:
        # A key with a passphrase is refused; without the callable OpenSSL would ask for it on the terminal.
        context.load_cert_chain(certificate_file, key_file, password=lambda: "")
    return context


class Broker(aiomqtt.Client):
    """A client that hands each message on as it arrives and acknowledges it only when told to."""

    def __init__(self, settings: BrokerSettings, take: Callable[[Message], None], session_s: int) -> None:
        class HandedOn(asyncio.Queue[Message]):
            """aiomqtt puts messages into a queue of our choice: this one holds none, ``take`` is what bounds them."""

            def put_nowait(self, item: Message) -> None:
                take(item)

        super().__init__(
            settings.host,
            settings.port,
            username=settings.username,
            password=settings.password,
            identifier=settings.client_id,
            queue_type=HandedOn,
            logger=_LIBRARY_LOG,
            protocol=aiomqtt.ProtocolVersion.V5,
            timeout=settings.answer_s,
            keepalive=KEEPALIVE_S,
            clean_start=session_s == 0,
            properties=_connect_properties(session_s),
            tls_context=settings.tls,
        )
        self._where = str(settings)
        # paho's own, though aiomqtt does not show it: else each message is acknowledged before anybody saw it.
        self._client.manual_ack_set(True)

    def acknowledge(self, mid: int, qos: int) -> None:
        """Tell the broker that a message need not come again; nothing happens when the connection is gone."""
        self._client.ack(mid, qos)

    async def listen(self, topic_filter: str) -> None:
        """Subscribe at QoS 1, without what was retained before; raises ``BrokerRefused``, ``MqttError``."""
        options = SubscribeOptions(qos=1, retainAsPublished=True, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)
        for code in await self.subscribe(topic_filter, options=options):
            if isinstance(code, ReasonCode) and code.is_failure:
                hint = " (the broker has no shared subscriptions)" if code.value == _NOT_SHARED else ""
                raise BrokerRefused(self._where, f"no subscription to {topic_filter}: {code}{hint}")

    async def until_lost(self) -> None:
        """Wait for the end of the connection, which is an ``MqttError``."""
        await anext(self.messages)

    async def enter(self) -> None:
        """Connect; when cancelled while a thread makes the connection, wait for the thread, for a while."""
        entering = asyncio.ensure_future(self.__aenter__())
        try:
            await asyncio.shield(entering)
        except asyncio.CancelledError:
            if self._misc_task is None:  # the loop does not have the socket yet
                await asyncio.wait({entering}, timeout=_GIVE_UP_S)
            entering.cancel()
            await asyncio.gather(entering, return_exceptions=True)
            raise

    async def leave(self) -> None:
        """Disconnect, unless the broker does not even take that."""
        with suppress(MqttError, TimeoutError):
            async with asyncio.timeout(_GIVE_UP_S):
                await self.__aexit__(None, None, None)

    def drop(self) -> None:
        """Close what is still open: aiomqtt leaves the socket to itself where connecting failed or was cancelled."""
        self._client._sock_close()
        if self._disconnected.done() and not self._disconnected.cancelled():
            self._disconnected.exception()  # seen: asyncio need not tell of it


def _connect_properties(session_s: int) -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = session_s
    properties.ReceiveMaximum = RECEIVE_MAXIMUM
    properties.MaximumPacketSize = PACKET_BYTES
    return properties


@asynccontextmanager
async def connected(
    settings: BrokerSettings, take: Callable[[Message], None], session_s: int = SESSION_S
) -> AsyncIterator[Broker]:
    """A connection for the length of the block; ``take`` gets each message, in order, and must not block or raise.

    With ``session_s`` the broker keeps the session that long after the block and goes on with it; 0 begins anew.
    Raises ``BrokerError``, also for what ends the connection during the block.
    """
    broker = Broker(settings, take, session_s)
    try:
        await broker.enter()
        try:
            yield broker
        finally:
            await broker.leave()
    except MqttError as error:
        raise _in_words(str(settings), error) from error
    except UnicodeError:
        raise BrokerUnreachable(str(settings), "the host is no name that can be asked for") from None
    finally:
        broker.drop()


def _in_words(where: str, error: MqttError) -> BrokerError:
    """The error by its class; aiomqtt keeps the cause of some as context only."""
    cause = error.__cause__ or error.__context__
    if isinstance(error, MqttConnectError):
        ours = isinstance(error.rc, ReasonCode) and error.rc.value in _NOT_US
        return (BrokerRefused if ours else BrokerUnreachable)(where, f"the connection is refused: {_code(error)}")
    if isinstance(cause, ssl.SSLError):
        return BrokerUntrusted(where, getattr(cause, "verify_message", "") or cause.reason or str(cause))
    if isinstance(cause, socket.gaierror):
        return BrokerUnreachable(where, f"the name is not known: {cause.strerror}")
    if isinstance(cause, TimeoutError):
        return BrokerUnreachable(where, "no answer in time")
    if isinstance(cause, OSError):
        return BrokerUnreachable(where, cause.strerror or str(cause))
    if isinstance(cause, MqttCodeError):
        return BrokerLost(where, f"the connection ended: {_code(cause)}")
    return BrokerLost(where, "the connection ended" if cause is None else f"{type(cause).__name__}: {cause}")


def _code(error: MqttCodeError) -> str:
    if not isinstance(error.rc, ReasonCode):
        return str(error)
    return "no reason given" if error.rc.value == _UNSPECIFIED else str(error.rc)
