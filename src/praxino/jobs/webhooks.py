"""Messages signed by Standard Webhooks, to addresses that strangers name: never into one's own network.

A name is resolved once, every address it has must be a public one, and the message goes to exactly that address, under
the name's certificate; nobody is followed anywhere else.
"""

import asyncio
import base64
import hashlib
import ipaddress
import json
import secrets
import socket
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
from standardwebhooks import Webhook

LONGEST = 2000  # characters of an address
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

    ``timeout``: seconds for all of it once the name is resolved. It blocks: call it where no event loop runs.
    """
    try:
        parts = _parts(url, private=private)
    except ValueError as error:
        raise Undelivered(str(error), permanent=True) from None
    to = parts.copy_with(host=_address(parts, private=private))
    name = {"sni_hostname": parts.raw_host.decode("ascii").rstrip(".")}  # whom the certificate has to be of
    body, now = json.dumps(event), datetime.now(UTC)
    headers = {
        "host": parts.netloc.decode("ascii"),
        "content-type": "application/json",
        "user-agent": "praxino",
        "webhook-id": event["id"],
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(event["id"], now, body),
    }

    # For TCP and for TLS each: httpcore forgets to close what is cancelled from outside during a handshake.
    limits = httpx.Timeout(timeout, connect=timeout * 0.45)

    async def post() -> int:
        async with (
            asyncio.timeout(timeout),  # httpx's own is one for each read
            httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=limits, verify=_trust()) as client,
            client.stream("POST", to, content=body, headers=headers, extensions=name) as answer,
        ):
            return answer.status_code  # nothing else of the answer matters, so none is read

    try:
        return asyncio.run(post())
    except (httpx.HTTPError, TimeoutError) as error:
        late = isinstance(error, httpx.TimeoutException | TimeoutError)
        why = error if isinstance(error, httpx.ConnectError) else type(error).__name__
        raise Undelivered(f"{parts.host} cannot be reached ({'no answer in time' if late else why})") from None


def _parts(url: str, *, private: bool) -> httpx.URL:
    what, example = f"url {url[:80]!r}", "try https://example.com/hook"
    if len(url) > LONGEST:
        raise ValueError(f"{what}... has {len(url)} characters; use at most {LONGEST}")
    try:
        parts = httpx.URL(url)
        host = parts.host
    except (httpx.InvalidURL, ValueError) as error:
        raise ValueError(f"{what} is none ({error}); {example}") from None
    for wrong, must in (
        (parts.scheme not in ({"https", "http"} if private else {"https"}), "begin with https://"),
        (not host or "%" in host or " " in url or not url.isprintable(), "have a host and no blanks"),
        (not 0 < (443 if parts.port is None else parts.port) < 65_536, "have a port from 1 to 65535, or none"),
        (bool(parts.userinfo) or "#" in url, "have no user, password or fragment"),
    ):
        if wrong:
            raise ValueError(f"{what} must {must}; {example}")
    return parts


def _trust() -> ssl.SSLContext:
    """The certificates that are believed."""
    return httpx.create_ssl_context(trust_env=False)


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
        nat64 = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else None
        inner = address.ipv4_mapped or address.sixtofour or nat64
        if inner is None:
            return address in UNICAST and address.is_global
        address = inner
    return address.is_global and not address.is_multicast and not any(address in network for network in CLOUD)
