"""Messages signed by Standard Webhooks, to addresses that strangers name: never into one's own network.

A name is resolved once, every address it has must be a public one, and the message goes to exactly that address, under
the name's certificate; nobody is followed anywhere else.
"""

import base64
import contextlib
import hashlib
import ipaddress
import json
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime
from threading import Timer
from typing import Any

import httpx
from standardwebhooks import Webhook

LONGEST = 2000  # characters of an address
READ = 65_536  # bytes of an answer
UNICAST = ipaddress.IPv6Network("2000::/3")  # all that IANA gives out; the rest is local, wraps IPv4 or is no one's
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Where Oracle's and Azure's machines find their own credentials and settings; Python 3.11 calls these global.
CLOUD = (ipaddress.IPv4Network("192.0.0.0/24"), ipaddress.IPv4Network("168.63.129.16/32"))


class Undelivered(Exception):  # noqa: N818 - it says what became of the message
    """It did not arrive. ``permanent``: and will not."""

    def __init__(self, reason: str, *, permanent: bool = False) -> None:
        super().__init__(reason)
        self.permanent = permanent


def secret() -> str:
    """A new one."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def checked(url: str, *, private: bool = False) -> str:
    """The address. Raises ValueError where no message may go there; ``private`` allows http and one's own network."""
    _parts(url, private=private)
    return url


def event(kind: str, video: str, *, at: int) -> dict[str, Any]:
    """What is said. Its id is the same of the same event, so that whoever hears it twice knows."""
    name = hashlib.sha256(f"{kind} {video} {at}".encode()).hexdigest()[:32]
    return {"id": f"evt_{name}", "object": "event", "created_at": at, "type": kind, "data": {"id": video}}


def send(url: str, secret: str, event: Mapping[str, Any], *, private: bool = False, timeout: float = 10) -> int:
    """Post an event, signed with the secret; the status of the answer. Raises Undelivered.

    ``timeout``: seconds for all of it once the name is resolved, however slowly the other side dribbles.
    """
    try:
        parts = _parts(url, private=private)
    except ValueError as error:
        raise Undelivered(str(error), permanent=True) from None
    pinned = parts.copy_with(host=_address(parts, private=private))
    name = {"sni_hostname": parts.raw_host.decode("ascii").rstrip(".")}  # whom the certificate has to be of
    body = json.dumps(event)
    headers = {"host": parts.netloc.decode("ascii"), **_signed(secret, event["id"], body)}
    end = time.monotonic() + timeout
    try:
        with (
            _cut(end) as trace,
            httpx.Client(trust_env=False, follow_redirects=False, timeout=timeout, verify=_trust()) as client,
            client.stream("POST", pinned, content=body, headers=headers, extensions={**name, "trace": trace}) as answer,
        ):
            with contextlib.suppress(httpx.HTTPError):  # the status is known already; the rest is politeness
                next(answer.iter_raw(READ), None)
            return answer.status_code
    except httpx.HTTPError as error:
        late = isinstance(error, httpx.TimeoutException) or time.monotonic() >= end
        why = f"no answer in {timeout:g} s" if late else error if isinstance(error, httpx.ConnectError) else None
        raise Undelivered(f"{parts.host} cannot be reached ({why or type(error).__name__})") from None


def _parts(url: str, *, private: bool) -> httpx.URL:
    what, example = f"url {url[:80]!r}", "try https://example.com/hook"
    if len(url) > LONGEST:
        raise ValueError(f"{what}... has {len(url)} characters; use at most {LONGEST}")
    try:
        parts = httpx.URL(url)
        host = parts.host
    except (httpx.InvalidURL, ValueError) as error:
        raise ValueError(f"{what} is none ({error}); {example}") from None
    port = 443 if parts.port is None else parts.port
    for wrong, must in (
        (parts.scheme not in ({"https", "http"} if private else {"https"}), "begin with https://"),
        (not host or "%" in host or " " in url or not url.isprintable(), "have a host and no blanks"),
        (not 0 < port < 65_536, "have a port from 1 to 65535, or none"),
        (bool(parts.userinfo) or "#" in url, "have no user, password or fragment"),
    ):
        if wrong:
            raise ValueError(f"{what} must {must}; {example}")
    return parts


def _signed(secret: str, name: str, body: str) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "content-type": "application/json",
        "user-agent": "praxino",
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(name, now, body),
    }


def _trust() -> ssl.SSLContext:
    """The certificates that are believed."""
    return httpx.create_ssl_context(trust_env=False)


@contextlib.contextmanager
def _cut(end: float) -> Generator[Callable[[str, Mapping[str, Any]], None]]:
    """A trace for httpx that cuts the connection at ``end``: httpx's own timeout is one for each read."""
    sockets: list[socket.socket] = []

    def cut() -> None:
        for each in sockets:  # not SSLSocket's own shutdown, which pulls TLS from under a read
            with contextlib.suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)

    def seen(step: str, found: Mapping[str, Any]) -> None:
        if step in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            sockets[:] = [found["return_value"].get_extra_info("socket")]
        if time.monotonic() >= end:
            cut()

    timer = Timer(max(0, end - time.monotonic()), cut)
    timer.daemon = True
    timer.start()
    try:
        yield seen
    finally:
        timer.cancel()


def _address(parts: httpx.URL, *, private: bool) -> str:
    """The address that a name has, where all it has are public ones."""
    host, port = parts.raw_host.decode("ascii"), parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        raise Undelivered(f"{host} has no address") from None
    if not private and not all(_public(address) for address in found):
        raise Undelivered(f"{host} is in a private network; webhooks go to public addresses", permanent=True)
    return found[0].partition("%")[0]


def _public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is None:
            return address in UNICAST and address.is_global
        address = inner
    return address.is_global and not address.is_multicast and not any(address in network for network in CLOUD)
