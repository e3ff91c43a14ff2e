"""Who comes in: where a request is from, what its sender has proven, and how often it is listened to."""

import re
from collections import OrderedDict
from collections.abc import Callable

from aiohttp import web

from ztpd.acs import certificates
from ztpd.acs.authentication import Authenticator, Judged
from ztpd.acs.digest import Verdict
from ztpd.acs.identity import Shown
from ztpd.acs.origin import Origin, is_direct, origin_of
from ztpd.acs.rates import Buckets, source_of
from ztpd.acs.settings import AcsSettings, Rate

_SERIAL = re.compile(rb"<(?:\w+:)?SerialNumber[^>]{0,64}>\s*([^<]{1,64})")
_CHALLENGED = 8192
_ALL = "all"


class Admission:
    """The door of the ACS; ``monotonic`` is in seconds."""

    def __init__(self, settings: AcsSettings, monotonic: Callable[[], float]) -> None:
        self._proxies = settings.proxies
        self._basic_without_tls = settings.basic_without_tls
        self._authenticator = Authenticator(settings.accounts, monotonic, settings.nonce_lifetime)

        def buckets(rate: Rate) -> Buckets:
            return Buckets(rate.per_second, rate.burst, monotonic)

        self._informs = buckets(settings.informs)
        self._unproven = buckets(settings.unproven)
        self._unproven_in_all = buckets(settings.unproven_in_all)
        self._challenged: OrderedDict[bytes, None] = OrderedDict()

    def origin(self, request: web.BaseRequest) -> Origin:
        """Whom a request comes from; a proxy's word counts only where the proxy is trusted."""
        if not request.secure:
            direct = Origin(request.remote or "")
        else:
            peer = None if request.transport is None else request.transport.get_extra_info("peercert")
            direct = Origin(request.remote or "", secure=True, certificate=certificates.of_peer(peer))
        if not self._proxies.networks:
            return direct
        return origin_of(direct, lambda name: request.headers.getall(name, []), self._proxies)

    def is_direct(self, request: web.BaseRequest) -> bool:
        """Whether the request's connection is one CPE's alone, as far as can be told."""
        return is_direct(request.remote or "", lambda name: request.headers.getall(name, []), self._proxies)

    def judge(self, request: web.BaseRequest, origin: Origin) -> Judged:
        """What the request's Authorization header is worth."""
        header = request.headers.get("Authorization")
        return self._authenticator.judge(header, request.method, request.raw_path, secure=self._may_be_basic(origin))

    def shown(self, judged: Judged, origin: Origin, body: bytes) -> Shown | None:
        """What the sender has proven; None when it has to be challenged. A certificate needs no password beside it."""
        if judged.verdict is not Verdict.ACCEPTED and origin.certificate is None:
            return None
        if self._challenged:
            self._challenged.pop(_claimed(body), None)
        return Shown(judged.account, origin.certificate)

    def challenges(self, judged: Judged, origin: Origin) -> list[str]:
        """The WWW-Authenticate values of a 401."""
        return self._authenticator.challenges(stale=judged.verdict is Verdict.STALE, secure=self._may_be_basic(origin))

    def _may_be_basic(self, origin: Origin) -> bool:
        return origin.secure or self._basic_without_tls

    def is_worth_hearing(self, judged: Judged, origin: Origin, body: bytes) -> bool:
        """Whether an Inform that proves nothing is heard all the same.

        Every CPE's first POST proves nothing, for it answers to no challenge yet: only one that leaves the challenge
        without an answer, or answers it wrongly, is heard; and nobody often.
        """
        if judged.verdict is Verdict.STALE:
            return False
        claimed = _claimed(body)
        if judged.verdict is Verdict.ABSENT and not self._was_challenged(claimed):
            return False
        self._challenged.pop(claimed, None)
        return self._unproven.take(source_of(origin.address)) and self._unproven_in_all.take(_ALL)

    def may_inform(self, origin: Origin) -> bool:
        """Whether this address may begin another session now."""
        return self._informs.take(source_of(origin.address))

    def _was_challenged(self, claimed: bytes) -> bool:
        if not claimed or claimed in self._challenged:
            return bool(claimed)
        self._challenged[claimed] = None
        if len(self._challenged) > _CHALLENGED:
            self._challenged.popitem(last=False)
        return False


def _claimed(body: bytes) -> bytes:
    """The serial number in a body that is not read yet, as far as it can be told at a glance."""
    found = _SERIAL.search(body)
    return b"" if found is None else found[1].strip()
