"""The SNMP engine that traps are read with: pysnmp's, without its sockets, timers and memory.

Messages are handed to it one by one and answered within the call, so it keeps nothing between them but the engines
that have proved to know a user's passwords. A replayed trap is taken for a new one: it has a list read once more.
"""

import secrets
import time
from collections.abc import Callable
from hmac import compare_digest
from typing import Any

from pysnmp.carrier.base import AbstractTransportDispatcher
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.proto import rfc1902
from pysnmp.proto.api import v1, v2c
from pysnmp.proto.proxy import rfc2576

from ztpd.discovery.datagrams import Address
from ztpd.discovery.hints import Outcome
from ztpd.discovery.snmp_header import CommunityHeader, HeaderRefused, Level, UserHeader, read_header
from ztpd.discovery.traps import TrapRefused, TrapSettings, TrapUser

ENGINES = 4096
"""How many pairs of user and engine are remembered."""

_UDP_DOMAIN = (1, 3, 6, 1, 6, 1, 1)
_TRAP_OID = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
_V1 = 0
_USM = 3
_KINDS = (v1.TrapPDU.tagSet, v2c.SNMPv2TrapPDU.tagSet, v2c.InformRequestPDU.tagSet)
_SECURITY_FAILED = ("rfc2576.prepareDataElements:sm-failure", "rfc3412.prepareDataElements:sm-failure")

_AUTH = {
    "sha": config.USM_AUTH_HMAC96_SHA,
    "sha224": config.USM_AUTH_HMAC128_SHA224,
    "sha256": config.USM_AUTH_HMAC192_SHA256,
    "sha384": config.USM_AUTH_HMAC256_SHA384,
    "sha512": config.USM_AUTH_HMAC384_SHA512,
}
# AES with longer keys is in no RFC; elements and net-snmp lengthen them as draft-blumenthal-aes-usm says.
_PRIV = {
    None: config.USM_PRIV_NONE,
    "aes128": config.USM_PRIV_CFB128_AES,
    "aes192": config.USM_PRIV_CFB192_AES_BLUMENTHAL,
    "aes256": config.USM_PRIV_CFB256_AES_BLUMENTHAL,
}


class _Answers(AbstractTransportDispatcher):  # type: ignore[misc]  # pysnmp is not typed
    """What the engine takes for its sockets: answers go out by ``send``."""

    def __init__(self, send: Callable[[bytes, Address], None]) -> None:
        super().__init__()
        self.set_timer_resolution(1.0)
        self._send = send

    def send_message(self, outgoingMessage: bytes, transportDomain: object, transportAddress: Address) -> None:  # noqa: N803
        self._send(outgoingMessage, transportAddress)


def _keys_of(user: TrapUser) -> tuple[Any, Any]:
    """The keys out of the passwords, not yet those of one engine (RFC 3414 §2.6): each takes a megabyte of hashing."""
    auth, priv = _AUTH[user.auth], _PRIV[user.priv]
    auth_key = config.AUTH_SERVICES[auth].hash_passphrase(rfc1902.OctetString(user.auth_password))
    if user.priv_password is None:
        return auth_key, None
    return auth_key, config.PRIV_SERVICES[priv].hash_passphrase(auth, rfc1902.OctetString(user.priv_password))


class TrapEngine:
    """Reads traps; informs are answered by ``send``, and so are those who ask for the engine's ID.

    The ID is new at each start, which spares the daemon to remember how often it started (RFC 3414 §2.2.2).
    """

    def __init__(self, settings: TrapSettings, send: Callable[[bytes, Address], None]) -> None:
        self._communities = [community.encode() for community in settings.communities]
        self._users = {user.name.encode(): user for user in settings.users}
        self._keys = {user.name: _keys_of(user) for user in settings.users}
        self._known: set[tuple[str, bytes]] = set()
        self._heard: tuple[int, ...] | None = None
        self._failed = ""
        self._engine: Any = SnmpEngine()
        self.engine_id = b"\x80\x00\x00\x00\x05" + secrets.token_bytes(12)
        self._name_engine()
        self._answers = _Answers(send)
        self._engine.register_transport_dispatcher(self._answers)
        self._engine.message_dispatcher.register_context_engine_id(b"", _KINDS, self._process_pdu)
        self._engine.observer.register_observer(self._security_failed, *_SECURITY_FAILED)
        for number, community in enumerate(settings.communities):
            config.add_v1_system(self._engine, f"c{number}", community)
        for user in settings.users:
            self._admit(user, self.engine_id)
            for engine_id in user.engine_ids:
                self._admit(user, engine_id)

    def read(self, datagram: bytes, address: Address) -> tuple[int, ...] | None:
        """The OID of the trap in a datagram, or None if it only begins an exchange; raises ``TrapRefused``."""
        try:
            header = read_header(datagram)
        except HeaderRefused as refused:
            raise TrapRefused(Outcome.MALFORMED, str(refused)) from None
        if isinstance(header, CommunityHeader):
            if not self._is_known(header.community):
                raise TrapRefused(Outcome.REFUSED, "unknown community")
            return self._hand_in(datagram, address)
        if not header.engine_id:
            self._ask_engine(header, datagram, address)
            return None
        return self._read_users(header, datagram, address)

    def _is_known(self, community: bytes) -> bool:
        compared = [compare_digest(community, known) for known in self._communities]
        return any(compared)

    def _ask_engine(self, header: UserHeader, datagram: bytes, address: Address) -> None:
        """Answer who asks for the engine's ID (RFC 3414 §4): the first message of an inform."""
        if header.level is not Level.NO_AUTH_NO_PRIV:
            raise TrapRefused(Outcome.MALFORMED, "authenticated for no engine")
        try:
            self._hand_in(datagram, address)
        except TrapRefused as refused:
            if refused.outcome is Outcome.MALFORMED:
                raise

    def _read_users(self, header: UserHeader, datagram: bytes, address: Address) -> tuple[int, ...] | None:
        user = self._users.get(header.user)
        if user is None:
            raise TrapRefused(Outcome.REFUSED, "unknown user")
        informs = header.engine_id == self.engine_id
        # An inform's sender may set its clock by a message that is not encrypted yet (RFC 3414 §4).
        if header.level < (Level.AUTH_NO_PRIV if informs else user.level):
            raise TrapRefused(Outcome.REFUSED, "below the user's security level")
        pair = (user.name, header.engine_id)
        is_new = pair not in self._known
        if is_new:
            self._admit_new(user, header.engine_id)
        try:
            return self._hand_in(datagram, address)
        except TrapRefused:
            if is_new:
                self._forget(user, header.engine_id)
            if self._failed == "NotInTimeWindow" and informs:
                return None
            raise

    def _hand_in(self, datagram: bytes, address: Address) -> tuple[int, ...]:
        self._begin()
        self._answers.handle_timer_tick(time.monotonic())
        try:
            self._engine.message_dispatcher.receive_message(self._engine, _UDP_DOMAIN, address, datagram)
        except Exception as error:
            # The library lets some of what is wrong with a message through as it comes.
            raise TrapRefused(Outcome.MALFORMED, "cannot be decoded", error=type(error).__name__) from None
        finally:
            self._clear()
        if self._heard is not None:
            return self._heard
        if self._failed:
            raise TrapRefused(Outcome.REFUSED, f"not authentic: {self._failed}")
        raise TrapRefused(Outcome.MALFORMED, "neither a trap nor an inform")

    def _begin(self) -> None:
        self._heard, self._failed = None, ""

    def _process_pdu(self, engine: Any, *notified: Any) -> None:
        """Take a notification as the library hands it on: its ten arguments are those that an answer needs again."""
        try:
            self._take(engine, *notified)
        except Exception:
            # Not on into the library, which would keep a part of the message.
            self._heard = None

    def _take(self, engine: Any, processing: int, model: int, name: Any, level: int, *addressed: Any) -> None:
        """Remember what was notified, and confirm it if it is an inform (RFC 3413 §3.4)."""
        *context, pdu, room, reference = addressed
        user = self._users.get(bytes(name)) if model == _USM else None
        if user is not None and level < user.level:
            return
        bindings = v2c.apiPDU.get_varbinds(rfc2576.v1_to_v2(pdu) if processing == _V1 else pdu)
        self._heard = next((tuple(value) for oid, value in bindings if tuple(oid) == _TRAP_OID), None)
        if self._heard is None or pdu.tagSet != v2c.InformRequestPDU.tagSet:
            return
        answer = v2c.apiPDU.get_response(pdu)
        v2c.apiPDU.set_error_status(answer, 0)
        v2c.apiPDU.set_error_index(answer, 0)
        v2c.apiPDU.set_varbinds(answer, bindings)
        respond = engine.message_dispatcher.return_response_pdu
        respond(engine, processing, model, name, level, *context, answer, room, reference, {})

    def _security_failed(self, engine: Any, point: str, variables: dict[str, Any], context: object) -> None:
        self._failed = type(variables["statusInformation"].get("errorIndication")).__name__

    def _name_engine(self) -> None:
        (instance,) = self._engine.get_mib_builder().import_symbols("__SNMP-FRAMEWORK-MIB", "snmpEngineID")
        instance.syntax = self._engine.snmpEngineID = instance.syntax.clone(self.engine_id)

    def _admit_new(self, user: TrapUser, engine_id: bytes) -> None:
        """Give an engine a try: it is forgotten unless the message proves to be authentic."""
        if user.engine_ids or not 5 <= len(engine_id) <= 32:
            raise TrapRefused(Outcome.REFUSED, "unknown engine", user=user.name, engine_id=engine_id.hex())
        if len(self._known) >= ENGINES:
            raise TrapRefused(Outcome.REFUSED, "too many engines")
        self._admit(user, engine_id)

    def _admit(self, user: TrapUser, engine_id: bytes) -> None:
        auth_key, priv_key = self._keys[user.name]
        config.add_v3_user(
            self._engine,
            user.name,
            _AUTH[user.auth],
            auth_key,
            _PRIV[user.priv],
            priv_key,
            authKeyType=config.USM_KEY_TYPE_MASTER,
            privKeyType=config.USM_KEY_TYPE_MASTER,
            securityEngineId=rfc1902.OctetString(engine_id),
        )
        self._known.add((user.name, engine_id))

    def _forget(self, user: TrapUser, engine_id: bytes) -> None:
        config.delete_v3_user(self._engine, user.name, rfc1902.OctetString(engine_id))
        self._known.discard((user.name, engine_id))

    def _clear(self) -> None:
        """Drop what the library keeps of a message for an answer: refused ones would stay there for ever."""
        for part in (*self._engine.security_models.values(), *self._engine.message_processing_subsystems.values()):
            part._cache = type(part._cache)()
