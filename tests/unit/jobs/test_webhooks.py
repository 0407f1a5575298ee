"""Webhooks: signed so that any client believes them, and never into a network that strangers must not reach."""

import base64
import contextlib
import pickle
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import anyio
import openai
import pytest
from standardwebhooks import Webhook

from praxino.jobs import webhooks
from praxino.jobs.webhooks import Undelivered, checked, event, secret, send

PUBLIC = "93.184.216.34"
TOLD = event("video.completed", "video_1", at=1_700_000_000)
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Receiver:
    """A server at 127.0.0.1 that keeps what it hears, and answers as it is told to."""

    def __init__(self, answer: Callable[[socket.socket], None], tls: ssl.SSLContext | None = None) -> None:
        self.answer, self.tls = answer, tls
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self.listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), self._opened(line) as opened:
                self.heard.append(_heard(opened))
                self.answer(opened)

    def _opened(self, line: socket.socket) -> socket.socket:
        return self.tls.wrap_socket(line, server_side=True) if self.tls else line


def _heard(line: socket.socket) -> tuple[str, dict[str, str], bytes]:
    with line.makefile("rb") as lines:
        first = lines.readline().decode().strip()
        headers: dict[str, str] = {}
        while text := lines.readline().decode().strip():
            name, _, value = text.partition(":")
            headers[name.lower()] = value.strip()
        return first, headers, lines.read(int(headers.get("content-length", 0)))


def told(receiver: Receiver, host: str = "127.0.0.1", timeout: float = 10) -> int:
    scheme = "https" if receiver.tls else "http"
    return send(f"{scheme}://{host}:{receiver.port}/", secret(), TOLD, private=True, timeout=timeout)


@pytest.fixture
def listening() -> Iterator[Callable[..., Receiver]]:
    made: list[Receiver] = []

    def listen(answer: bytes | Callable[[socket.socket], None] = OK, tls: ssl.SSLContext | None = None) -> Receiver:
        made.append(Receiver(answer if callable(answer) else lambda line: line.sendall(answer), tls))
        return made[-1]

    yield listen
    for receiver in made:
        with contextlib.suppress(OSError):
            receiver.listener.shutdown(socket.SHUT_RDWR)
        receiver.listener.close()


@pytest.fixture
def resolving(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Names resolve to what is given, one answer after the other; what was asked is kept."""

    def resolve(*answers: list[str]) -> list[str]:
        asked: list[str] = []
        waiting = list(answers)

        def found(host: str, port: int, *args: object, **options: object) -> list[tuple]:
            asked.append(host)
            addresses = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", found)
        return asked

    return resolve


@pytest.fixture
def detour(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[str, int]]]:
    """Connections to anywhere arrive at the receiver, or nowhere; where they wanted to go is kept."""

    def lead(receiver: Receiver | None) -> list[tuple[str, int]]:
        wanted: list[tuple[str, int]] = []

        real = anyio.connect_tcp

        async def connect(remote_host: str, remote_port: int, **options: object) -> object:
            wanted.append((remote_host, remote_port))
            if receiver is None:
                raise ConnectionRefusedError
            return await real("127.0.0.1", receiver.port, **options)  # type: ignore[call-overload]

        monkeypatch.setattr(anyio, "connect_tcp", connect)
        return wanted

    return lead


@pytest.fixture
def nowhere(detour) -> list[tuple[str, int]]:
    """Where a connection was tried, though none can be made."""
    return detour(None)


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], ssl.SSLContext]:
    """What a server at a name shows, from an authority that `believed` believes."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificates")
    folder = tmp_path_factory.mktemp("certificates")

    def run(words: str) -> None:
        subprocess.run(["openssl", *words.split()], cwd=folder, check=True, capture_output=True)

    new = "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    run(f"{new} -x509 -days 2 -keyout ca.key -out ca.pem -subj /CN=us -addext keyUsage=critical,keyCertSign")

    def issue(name: str) -> ssl.SSLContext:
        (folder / "names").write_text(f"subjectAltName={name}\nauthorityKeyIdentifier=keyid\n")
        run(f"{new} -keyout its.key -out its.csr -subj /CN=its")
        run("x509 -req -in its.csr -out its.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "its.pem", folder / "its.key")
        return context

    issue.authority = folder / "ca.pem"  # type: ignore[attr-defined]
    return issue


@pytest.fixture
def believed(monkeypatch: pytest.MonkeyPatch, issued: Callable[[str], ssl.SSLContext]) -> None:
    context = ssl.create_default_context(cafile=issued.authority)  # type: ignore[attr-defined]
    monkeypatch.setattr(webhooks, "_trust", lambda: context)


def test_a_secret_is_new_each_time_and_32_bytes_long():
    one, two = secret(), secret()
    assert one != two
    assert one[:6] == "whsec_"
    assert len(base64.b64decode(one.removeprefix("whsec_"), validate=True)) == 32


def test_an_event_said_again_has_the_same_id_and_another_event_another():
    rest = {"object": "event", "created_at": 1_700_000_000, "type": "video.completed", "data": {"id": "video_1"}}
    assert {"id": TOLD["id"], **rest} == TOLD
    assert TOLD["id"].startswith("evt_")
    assert event("video.completed", "video_1", at=1_700_000_000) == TOLD
    assert event("video.completed", "video_1", at=1_800_000_000)["id"] != TOLD["id"]  # made again, and told again
    assert event("video.failed", "video_1", at=1_700_000_000)["id"] != TOLD["id"]
    assert event("video.completed", "video_2", at=1_700_000_000)["id"] != TOLD["id"]


def test_what_arrives_is_believed_by_standard_webhooks_and_by_openai(listening):
    receiver, key = listening(), secret()
    assert send(f"http://127.0.0.1:{receiver.port}/hook?a=1", key, TOLD, private=True) == 200
    (line, headers, body) = receiver.heard[0]
    assert line == "POST /hook?a=1 HTTP/1.1"
    assert headers["content-type"] == "application/json"
    assert headers["host"] == f"127.0.0.1:{receiver.port}"
    assert headers["webhook-id"] == TOLD["id"]
    assert Webhook(key).verify(body, headers) == TOLD
    heard = openai.OpenAI(api_key="x").webhooks.unwrap(body, headers, secret=key)
    assert (heard.id, heard.type, heard.to_dict()["data"]) == (TOLD["id"], "video.completed", TOLD["data"])
    for changed, other in ((body.replace(b"video_1", b"video_2"), key), (body, secret())):
        with pytest.raises(openai.InvalidWebhookSignatureError):
            openai.OpenAI(api_key="x").webhooks.unwrap(changed, headers, secret=other)


@pytest.mark.parametrize("url", ["https://a.com", "https://a.com:8443/a?c=d", "https://münchen.de/ä", "HTTPS://a.com/"])
def test_an_address_comes_back_as_it_was(url: str):
    assert checked(url) == url
    assert checked("http://10.0.0.7:9000/hook", private=True) == "http://10.0.0.7:9000/hook"


REFUSED = {
    "must begin with https://": ["http://a.com/", "ftp://a.com/", "file:///etc/passwd", "//a.com/", "a.com/hook", ""],
    "must have a host": ["https:///hook", "https://", "https://a b.com/", "https://[fe80::1%25eth0]/"],
    "no blanks": ["https://a.com/a b", "https://a.com/\u202e"],
    "is none": ["https://a.com/\r\nx: y", "https://[::1/", "https://xn--/", "https://a.com:no/", "https://１.com/"],
    "must have no user": ["https://me:word@a.com/", "https://me@a.com/", "https://a.com\\@127.0.0.1/"],
    "fragment": ["https://a.com/#top", "https://a.com/#"],
    "port from 1 to 65535": ["https://a.com:0/", "https://a.com:65536/"],
    "has 2001 characters; use at most 2000": ["https://a.com/" + "a" * 1987],
}


@pytest.mark.parametrize(("says", "url"), [(says, url) for says, urls in REFUSED.items() for url in urls])
def test_another_address_is_refused_by_name_and_with_a_remedy(says: str, url: str, nowhere):
    with pytest.raises(ValueError, match=says) as error:
        checked(url)
    assert repr(url[:80]) in str(error.value)
    assert "try https://" in str(error.value) or "use at most" in str(error.value)
    with pytest.raises(Undelivered) as refused:
        send(url, secret(), TOLD)
    assert (refused.value.permanent, nowhere) == (True, [])


HIDDEN = [
    *("127.0.0.1", "127.255.0.9", "0.0.0.0", "localhost", "2130706433", "0x7f.1", "0x7f000001", "0177.1"),
    *("127.1", "0", "127。0。0。1", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.9.9"),
    *("192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16"),
    *("198.18.0.1", "192.0.2.1", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255"),
    *("[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:10.0.0.1]"),
    *("[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[64:ff9b::127.0.0.1]"),
    *("[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::7f00:1]", "[2001:0:7f00:1::]", "[fe80::1]", "[fec0::1]", "[fc00::1]"),
    *("[fd00:ec2::254]", "[ff02::1]", "[2001:db8::1]", "[100::1]"),
]


@pytest.mark.parametrize("host", HIDDEN)
def test_a_private_address_is_refused_for_good_in_every_spelling(host: str, nowhere):
    with pytest.raises(Undelivered, match="private network; webhooks go to public addresses") as error:
        send(f"https://{host}/hook", secret(), TOLD)
    assert (error.value.permanent, nowhere) == (True, [])


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "169.254.169.254", "::ffff:10.0.0.1", "fe80::1%eth0"])
@pytest.mark.parametrize("before", [[], [PUBLIC]], ids=["alone", "after a public one"])
def test_a_name_for_a_private_address_is_refused(address: str, before: list[str], resolving, nowhere):
    asked = resolving([*before, address])
    with pytest.raises(Undelivered, match="private network") as error:
        send("https://innocent.example/", secret(), TOLD)
    assert error.value.permanent
    assert (asked, nowhere) == (["innocent.example"], [])


@pytest.mark.parametrize(
    "host", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "2002:808:808::1", "64:ff9b::808:808"]
)
def test_a_public_address_is_tried(host: str, nowhere):
    with pytest.raises(Undelivered, match="cannot be reached") as error:
        send(f"https://[{host}]/" if ":" in host else f"https://{host}/", secret(), TOLD)
    assert not error.value.permanent
    assert nowhere == [(host, 443)]


def test_a_name_is_resolved_once_and_the_message_goes_to_that_address(resolving, detour, issued, believed, listening):
    receiver = listening(tls=issued("DNS:hook.example"))
    asked, wanted = resolving([PUBLIC], ["127.0.0.1"]), detour(receiver)  # a name that changes its mind
    assert send("https://hook.example/in", secret(), TOLD) == 200
    assert asked == ["hook.example"]
    assert wanted == [(PUBLIC, 443)]
    assert receiver.heard[0][1]["host"] == "hook.example"


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch, listening):
    proxy, receiver = listening(), listening()
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert told(receiver) == 200
    assert (len(proxy.heard), len(receiver.heard)) == (0, 1)


@pytest.mark.parametrize("status", [200, 204, 301, 302, 303, 307, 308, 400, 410, 500])
def test_the_status_comes_back_whatever_it_is_and_redirects_are_not_followed(status: int, listening):
    other = listening()
    answer = f"HTTP/1.1 {status} So\r\nlocation: http://127.0.0.1:{other.port}/\r\ncontent-length: 0\r\n\r\n"
    assert told(listening(answer.encode())) == status
    assert other.heard == []


def test_the_server_is_told_the_name_and_nobody_is_asked_for_it_again(resolving, issued, believed, listening):
    context, names = issued("DNS:hook.example"), []
    context.sni_callback = lambda _line, name, _context: names.append(name)
    asked, receiver = resolving(["127.0.0.1"]), listening(tls=context)
    assert [told(receiver, "hook.example"), told(receiver, "hook.example.")] == [200, 200]
    assert names == ["hook.example", "hook.example"]
    assert asked == ["hook.example", "hook.example."]  # what connects has an address already


@pytest.mark.parametrize("name", ["DNS:other.example", "IP:127.0.0.1"])
def test_a_certificate_for_another_name_is_not_believed(name: str, resolving, issued, believed, listening):
    receiver = listening(tls=issued(name))
    resolving(["127.0.0.1"])
    with pytest.raises(Undelivered, match="CERTIFICATE_VERIFY_FAILED.*not valid for 'hook.example'") as error:
        told(receiver, "hook.example")
    assert (error.value.permanent, receiver.heard) == (False, [])


def test_an_address_without_a_name_needs_a_certificate_of_its_own(issued, believed, listening):
    good, bad = listening(tls=issued("IP:127.0.0.1")), listening(tls=issued("DNS:hook.example"))
    assert told(good) == 200
    with pytest.raises(Undelivered, match="CERTIFICATE_VERIFY_FAILED"):
        told(bad)


def test_an_authority_that_nobody_knows_is_not_believed(resolving, issued, listening):
    resolving(["127.0.0.1"])
    with pytest.raises(Undelivered, match="CERTIFICATE_VERIFY_FAILED"):
        told(listening(tls=issued("DNS:hook.example")), "hook.example")


def test_a_name_in_other_letters_is_told_in_plain_ones(resolving, issued, believed, listening):
    receiver = listening(tls=issued("DNS:xn--mnchen-3ya.example"))
    asked = resolving(["127.0.0.1"])
    assert told(receiver, "münchen.example") == 200
    assert asked[0] == "xn--mnchen-3ya.example"
    assert receiver.heard[0][1]["host"] == f"xn--mnchen-3ya.example:{receiver.port}"


def _dribble(start: bytes, more: bytes) -> Callable[[socket.socket], None]:
    def answer(line: socket.socket) -> None:
        line.sendall(start)
        for _ in range(200):
            time.sleep(0.05)
            line.sendall(more)

    return answer


SLOW = {
    "silent": _dribble(b"", b""),
    "headers": _dribble(b"HTTP/1.1 200 OK\r\nx: ", b"a"),
    "hints": _dribble(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
}


@pytest.mark.parametrize("how", SLOW)
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_a_slow_server_times_out_however_it_dribbles(how: str, tls: bool, resolving, issued, believed, listening):
    context = issued("DNS:hook.example") if tls else None
    resolving(["127.0.0.1"])
    receiver, start = listening(SLOW[how], context), time.monotonic()
    with pytest.raises(Undelivered, match="no answer in time") as error:
        told(receiver, "hook.example", timeout=0.5)
    assert not error.value.permanent
    assert time.monotonic() - start < 3


def test_a_server_that_never_shakes_hands_times_out():
    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(Undelivered, match="no answer in time"):
        send(f"https://127.0.0.1:{mute.getsockname()[1]}/", secret(), TOLD, private=True, timeout=0.3)


def test_a_status_counts_though_the_rest_never_ends(listening):
    start = time.monotonic()
    body = _dribble(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n", b"a")
    assert told(listening(body), timeout=0.5) == 200
    assert time.monotonic() - start < 3


def test_a_huge_answer_is_not_read(listening):
    sent = [0]

    def flood(line: socket.socket) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n")
        while sent[0] < 1 << 30:
            line.sendall(b"10000\r\n" + bytes(65_536) + b"\r\n")
            sent[0] += 65_536

    assert told(listening(flood)) == 200
    assert sent[0] < 64 << 20  # what fits into the buffers of both sides


def test_who_does_not_listen_or_speaks_otherwise_may_be_better_later(listening):
    gone = listening()
    gone.listener.shutdown(socket.SHUT_RDWR)
    for receiver, why in ((gone, "connection attempts failed"), (listening(b"what?"), "RemoteProtocolError")):
        with pytest.raises(Undelivered, match=f"127.0.0.1 cannot be reached .*{why}") as error:
            told(receiver)
        assert not error.value.permanent


def test_a_name_without_an_address_may_have_one_later(monkeypatch: pytest.MonkeyPatch):
    def unknown(*_: object, **__: object) -> list[tuple]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Undelivered, match="nobody.example has no address") as error:
        send("https://nobody.example/", secret(), TOLD)
    assert not error.value.permanent


def test_what_became_of_it_survives_a_queue():
    lost = pickle.loads(pickle.dumps(Undelivered("gone", permanent=True)))
    assert (str(lost), lost.permanent) == ("gone", True)
