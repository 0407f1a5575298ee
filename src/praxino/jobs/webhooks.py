"""Messages signed by Standard Webhooks, to addresses that strangers name: never into one's own network.

A name is resolved once, every address it has must be a public one, and the message goes to exactly that address, under
the name's certificate; nobody is followed anywhere else.
"""

import base64
import hashlib
import ipaddress
import json
import secrets
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from standardwebhooks import Webhook

LONGEST = 2000  # characters of an address
READ = 65_536  # bytes of an answer


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
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"url {url[:80]!r} is none ({error}); try https://example.com/hook") from None
    schemes = {"https", "http"} if private else {"https"}
    if parts.scheme not in schemes or not parts.hostname or len(url) > LONGEST or not url.isprintable() or " " in url:
        raise ValueError(f"url {url[:80]!r} must be an https address; try https://example.com/hook")
    if parts.username is not None or parts.password is not None or parts.fragment or port == 0:
        raise ValueError(f"url {url[:80]!r} must have no user, password or fragment; try https://example.com/hook")
    return url


def event(kind: str, video: str, *, at: int) -> dict[str, Any]:
    """What is said; the same of the same, so that whoever hears it twice knows."""
    name = hashlib.sha256(f"{kind} {video} {at}".encode()).hexdigest()[:32]
    return {"id": f"evt_{name}", "object": "event", "created_at": at, "type": kind, "data": {"id": video}}


def send(url: str, key: str, told: Mapping[str, Any], *, private: bool = False, timeout: float = 10) -> int:
    """Post an event, signed with the secret ``key``; the status of the answer. Raises Undelivered."""
    try:
        checked(url, private=private)
    except ValueError as error:
        raise Undelivered(str(error), permanent=True) from None
    parts = urlsplit(url)
    host = parts.hostname or ""
    address = _address(host, parts.port or (443 if parts.scheme == "https" else 80), private=private)
    body, now = json.dumps(told), datetime.now(UTC)
    headers = {
        "host": parts.netloc,
        "content-type": "application/json",
        "user-agent": "praxino",
        "webhook-id": told["id"],
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(key).sign(told["id"], now, body),
    }
    pinned = httpx.URL(url).copy_with(host=address)
    try:
        with (
            httpx.Client(trust_env=False, follow_redirects=False, timeout=timeout, verify=_trust()) as client,
            client.stream("POST", pinned, content=body, headers=headers, extensions={"sni_hostname": host}) as answer,
        ):
            read = 0
            for piece in answer.iter_raw(4096):
                read += len(piece)
                if read > READ:
                    break
            return answer.status_code
    except httpx.HTTPError as error:
        raise Undelivered(f"{host} cannot be reached ({type(error).__name__})") from None


def _trust() -> Any:
    """The certificates that are believed."""
    return httpx.create_ssl_context(trust_env=False)


def _address(host: str, port: int, *, private: bool) -> str:
    """The address that a name has, where all it has are public ones."""
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        raise Undelivered(f"{host} has no address") from None
    if not private:
        for address in found:
            if not _public(address):
                raise Undelivered(f"{host} is in a private network; webhooks go to public addresses", permanent=True)
    return found[0]


def _public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in ipaddress.ip_network("64:ff9b::/96"):  # NAT64
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _public(str(inner))
    return address.is_global and not address.is_multicast
