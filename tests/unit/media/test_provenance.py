"""A finished film is signed; the mark survives what keeps its bytes, and what changes them is noticed."""

import json
import multiprocessing
import shutil
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import c2pa
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from praxino.media import labels, provenance, read, signing
from praxino.media.provenance import read_manifest
from praxino.media.splice import Cut, splice
from praxino.media.write import Writer, part_of

from .conftest import moving

RECIPE = {"request": {"seed": 2**63 - 1, "fps": 23.976, "shots": [{"seconds": 1.0, "prompt": "一个红色的球"}]}}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation that has signed nothing yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def film(path: Path, count: int = 20, recipe: dict | None = RECIPE) -> Path:
    metadata = {} if recipe is None else labels.metadata(recipe)
    with Writer(path, width=96, height=64, fps=30, metadata=metadata) as out:
        for frame in moving(count):
            out.write(frame)
    return path


def changed(path: Path, into: Path, at: int) -> Path:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    into.write_bytes(data)
    return into


def test_a_film_says_who_made_it_and_how(tmp_path: Path):
    found = read_manifest(film(tmp_path / "f.mp4"))
    assert found is not None
    assert (found.valid, found.ai_made, found.made_here, found.issuer) == (True, True, True, "Praxino")
    assert found.recipe == RECIPE == labels.read_recipe(tmp_path / "f.mp4")


def test_other_readers_of_c2pa_understand_it(tmp_path: Path):
    told = json.loads(c2pa.Reader(str(film(tmp_path / "f.mp4"))).json())
    assert told["validation_state"] == "Valid"
    assert [each["code"] for each in told["validation_status"]] == ["signingCredential.untrusted"], "of a stranger"
    action = told["manifests"][told["active_manifest"]]["assertions"][1]["data"]["actions"][0]
    assert action["action"] == "c2pa.created"
    assert action["digitalSourceType"].endswith("/trainedAlgorithmicMedia")


def test_signing_leaves_the_frames_and_the_index_first(tmp_path: Path):
    plain, signed = film(tmp_path / "a.mp4", recipe=None), film(tmp_path / "b.mp4")
    assert np.array_equal(read.read(plain).frames, read.read(signed).frames)
    data = signed.read_bytes()
    assert data.index(b"ftyp") < data.index(provenance.BOX) < data.index(b"moov") < data.index(b"mdat")
    assert {path.name for path in tmp_path.iterdir()} == {"a.mp4", "b.mp4", "state"}


def test_a_film_in_the_making_and_a_clip_that_nobody_asked_for_are_not_signed(tmp_path: Path, home: Path):
    assert read_manifest(film(tmp_path / "clip.mp4", recipe=None)) is None
    assert not home.exists()
    with Writer(tmp_path / "f.mp4", width=96, height=64, fps=30, metadata=labels.metadata(RECIPE)) as out:
        for frame in moving(150):
            out.write(frame)
        assert read_manifest(part_of(tmp_path / "f.mp4")) is None
    assert read_manifest(tmp_path / "f.mp4") is not None


def test_what_a_stopped_film_says_in_the_end_is_what_is_signed(tmp_path: Path):
    with Writer(tmp_path / "f.mp4", width=96, height=64, fps=30, metadata=labels.metadata(RECIPE)) as out:
        out.write(moving(1)[0])
        out.tell(labels.metadata(RECIPE | {"stopped": {"frames": 1, "of": 9}}))
    found = read_manifest(tmp_path / "f.mp4")
    assert found is not None
    assert found.valid
    assert found.recipe == RECIPE | {"stopped": {"frames": 1, "of": 9}} == labels.read_recipe(tmp_path / "f.mp4")


@pytest.mark.parametrize("quality", [17, 30], ids=["joined", "encoded again"])
def test_a_spliced_film_is_signed_anew(tmp_path: Path, quality: int):
    with Writer(
        tmp_path / "a.mp4", width=96, height=64, fps=30, metadata=labels.metadata(RECIPE), quality=quality
    ) as out:
        for frame in moving(90):
            out.write(frame)
    recipe = RECIPE | {"retakes": [{"from": 0, "to": 0.1}]}
    cut = Cut(begin=0, end=3, frames=np.zeros((3, 64, 96, 3), np.uint8))
    splice(tmp_path / "a.mp4", cut, tmp_path / "b.mp4", metadata=labels.metadata(recipe))
    found = read_manifest(tmp_path / "b.mp4")
    assert found is not None
    assert (found.valid, found.made_here, found.recipe) == (True, True, recipe)


def test_it_survives_a_copy_and_a_changed_byte_of_picture_or_index_is_noticed(tmp_path: Path):
    made = film(tmp_path / "f.mp4")
    shutil.copy(made, tmp_path / "copy.mp4")
    assert read_manifest(tmp_path / "copy.mp4") == read_manifest(made)
    data = made.read_bytes()
    for at in (data.index(b"mdat") + 400, data.index(b"Praxino", data.index(b"moov"))):
        found = read_manifest(changed(made, tmp_path / "x.mp4", at))
        assert found is not None
        assert (found.valid, found.made_here) == (False, False)
    (tmp_path / "cut.mp4").write_bytes(data[:-100])
    found = read_manifest(tmp_path / "cut.mp4")
    assert found is not None
    assert not found.valid


def test_a_broken_manifest_is_not_believed(tmp_path: Path):
    made = film(tmp_path / "f.mp4")
    begin, end = made.read_bytes().index(provenance.BOX) + 40, made.read_bytes().index(b"moov")
    for at in range(begin, end, 101):
        found = read_manifest(changed(made, tmp_path / "x.mp4", at))
        assert found is None or not found.made_here or found.recipe == RECIPE, at


def test_muxing_again_strips_the_manifest_and_encoding_again_or_dropping_metadata_strips_all(tmp_path: Path):
    made = film(tmp_path / "f.mp4")

    def muxed(name: str, *, keep: bool, encode: bool, flags: str = "use_metadata_tags") -> Path:
        options = {"movflags": flags}
        with av.open(str(made)) as old, av.open(str(tmp_path / name), "w", options=options) as new:
            if keep:
                new.metadata.update(old.metadata)
            source = old.streams.video[0]
            stream = new.add_stream("libx264", rate=30) if encode else new.add_stream_from_template(source)
            if encode:
                stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
                for frame in old.decode(source):
                    new.mux(stream.encode(frame))
                new.mux(stream.encode(None))
            else:
                for packet in old.demux(source):
                    if packet.dts is not None:
                        packet.stream = stream
                        new.mux(packet)
        return tmp_path / name

    for encode in (False, True):
        kept, bare = muxed("kept.mp4", keep=True, encode=encode), muxed("bare.mp4", keep=False, encode=encode)
        assert read_manifest(kept) is None
        assert labels.read_recipe(kept) == RECIPE, "`ffmpeg -movflags use_metadata_tags`"
        assert labels.read_label(kept) is not None
        plain = muxed("plain.mp4", keep=True, encode=encode, flags="faststart")
        assert labels.read_recipe(plain) == RECIPE, "`ffmpeg`: the comment stays"
        assert (read_manifest(plain), labels.read_label(plain)) == (None, None)
        assert (read_manifest(bare), labels.read_recipe(bare), labels.read_label(bare)) == (None, None, None)


def test_a_film_of_another_installation_is_valid_and_not_made_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    film(tmp_path / "f.mp4")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other"))
    for _ in range(2):  # one that has signed nothing, and one that has
        found = read_manifest(tmp_path / "f.mp4")
        assert found is not None
        assert (found.valid, found.ai_made, found.made_here) == (True, True, False)
        film(tmp_path / "g.mp4")


def test_the_longest_recipe_fits(tmp_path: Path):
    recipe = {"request": {"shots": [{"seconds": 1, "prompt": "词" * 2000}] * 100}}
    found = read_manifest(film(tmp_path / "f.mp4", recipe=recipe))
    assert found is not None
    assert (found.valid, found.recipe) == (True, recipe)
    recipe["retakes"] = ["词" * 2000] * 100
    found = read_manifest(film(tmp_path / "f.mp4", recipe=recipe))
    assert found is not None
    assert (found.valid, found.ai_made, found.recipe) == (True, True, None)
    assert labels.read_recipe(tmp_path / "f.mp4") == recipe


def test_what_is_no_film_has_no_manifest(tmp_path: Path):
    (tmp_path / "x.mp4").write_bytes(b"hello" * 1000)
    assert read_manifest(tmp_path / "x.mp4") is None
    with pytest.raises(ValueError, match="does not exist"):
        read_manifest(tmp_path / "none.mp4")


def test_the_key_is_the_users_alone_and_stays(tmp_path: Path, home: Path):
    film(tmp_path / "a.mp4")
    kept = home / "praxino" / "signing.pem"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    before = kept.read_text()
    film(tmp_path / "b.mp4")
    assert kept.read_text() == before
    assert [path.name for path in kept.parent.iterdir()] == ["signing.pem"]


def test_many_at_once_make_one_key(home: Path):
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        chains = {who.chain for who in pool.map(_identity, range(8))}
    assert len(chains) == 1
    assert [path.name for path in (home / "praxino").iterdir()] == ["signing.pem"]


def _identity(_number: int) -> signing.Identity:
    return signing.identity()


def test_a_broken_key_and_a_place_that_cannot_be_written_are_told_before_a_film_is_made(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
):
    (home / "praxino").mkdir(parents=True)
    (home / "praxino" / "signing.pem").write_text("")
    with pytest.raises(ValueError, match=r"holds no certificate with its key; remove it"):
        film(tmp_path / "f.mp4")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(ValueError, match="cannot be written .*set XDG_STATE_HOME"):
        film(tmp_path / "f.mp4")
    assert not (tmp_path / "f.mp4").exists()


# The operator's own certificate.


def certified(folder: Path, key, *, ends: int = 30, ca: bool = False, purpose=ExtendedKeyUsageOID.EMAIL_PROTECTION):
    """A certificate and its key as files, signed by itself."""
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Kino AG")])
    now = datetime.now(UTC)
    use = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign", "encipher_only",
         "decipher_only"), False)  # fmt: skip
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=ends))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=ca, **use), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    )
    cert, secret = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(pem(key))
    return cert, secret


def pem(key, password: bytes | None = None) -> bytes:
    how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch):
    def give(cert: Path, key: Path) -> None:
        monkeypatch.setenv("PRAXINO_SIGN_CERT", str(cert))
        monkeypatch.setenv("PRAXINO_SIGN_KEY", str(key))

    return give


DOCUMENTS = ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336: documentSigning


@pytest.mark.parametrize("kind", ["P-256", "P-384", "RSA", "Ed25519"])
def test_the_operators_certificate_signs_and_counts_as_ours(tmp_path: Path, home: Path, given, kind: str):
    key = {
        "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "RSA": lambda: rsa.generate_private_key(65537, 2048),
        "Ed25519": ed25519.Ed25519PrivateKey.generate,
    }[kind]()
    given(*certified(tmp_path, key, purpose=DOCUMENTS if kind == "P-384" else ExtendedKeyUsageOID.EMAIL_PROTECTION))
    found = read_manifest(film(tmp_path / "f.mp4"))
    assert found is not None
    assert (found.valid, found.made_here, found.issuer) == (True, True, "Kino AG")
    assert not home.exists(), "no other key is made"


def test_films_from_before_the_operators_certificate_still_count_as_ours(tmp_path: Path, given):
    film(tmp_path / "old.mp4")
    given(*certified(tmp_path, ec.generate_private_key(ec.SECP256R1())))
    for name in ("old.mp4", "new.mp4"):
        film(tmp_path / "new.mp4")
        found = read_manifest(tmp_path / name)
        assert found is not None
        assert found.made_here, name


def test_of_a_chain_the_issuer_is_enough_and_has_to_be_there(tmp_path: Path, given):
    def authority(key, name: str, by, above: str, *, ca: bool):
        use = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign",
             "encipher_only", "decipher_only"), False)  # fmt: skip
        names = [x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, each)]) for each in (name, above)]
        made = x509.CertificateBuilder().subject_name(names[0]).issuer_name(names[1]).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number()).not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        made = made.not_valid_after(signing.ENDS).add_extension(x509.BasicConstraints(ca, None), critical=True)
        made = made.add_extension(x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, **use), critical=True)
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        who = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key())
        return (
            made.add_extension(who, critical=False).sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        )

    root, middle, key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(4))
    issuer = authority(middle, "Issuer", root, "Root", ca=True)  # the root is not in the file
    (tmp_path / "key.pem").write_bytes(pem(key))
    leaf = authority(key, "Kino AG", middle, "Issuer", ca=False)
    (tmp_path / "cert.pem").write_bytes(leaf + issuer)
    given(tmp_path / "cert.pem", tmp_path / "key.pem")
    found = read_manifest(film(tmp_path / "f.mp4"))
    assert found is not None
    assert (found.valid, found.made_here, found.issuer) == (True, True, "Kino AG")

    (tmp_path / "cert.pem").write_bytes(authority(other, "Kino AG", middle, "Issuer", ca=False) + issuer)
    (tmp_path / "key.pem").write_bytes(pem(other))
    found = read_manifest(tmp_path / "f.mp4")
    assert found is not None
    assert (found.valid, found.made_here) == (True, False), "another customer of the same issuer"

    (tmp_path / "cert.pem").write_bytes(leaf)
    (tmp_path / "key.pem").write_bytes(pem(key))
    with pytest.raises(ValueError, match="PRAXINO_SIGN_CERT .* ends with its first certificate; add its issuer's"):
        signing.identity()


def test_what_does_not_fit_is_refused_with_the_remedy(tmp_path: Path, given, monkeypatch: pytest.MonkeyPatch):
    key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    cert, secret = certified(tmp_path, key)
    given(cert, tmp_path / "none.pem")
    with pytest.raises(ValueError, match=r"PRAXINO_SIGN_KEY .*none.pem cannot be read \(No such file"):
        signing.identity()
    given(secret, secret)
    with pytest.raises(ValueError, match="PRAXINO_SIGN_CERT .* holds no certificate"):
        signing.identity()
    given(cert, cert)
    with pytest.raises(ValueError, match="PRAXINO_SIGN_KEY .* holds no private key"):
        signing.identity()
    (tmp_path / "other.pem").write_bytes(pem(other))
    given(cert, tmp_path / "other.pem")
    with pytest.raises(ValueError, match="is not the key of .*; give the two that belong together"):
        signing.identity()
    (tmp_path / "locked.pem").write_bytes(pem(key, b"swordfish"))
    given(cert, tmp_path / "locked.pem")
    with pytest.raises(ValueError, match="is encrypted; give it without a password"):
        signing.identity()
    given(*certified(tmp_path, key, ends=-1))
    with pytest.raises(ValueError, match="holds from .*; give one that holds now"):
        signing.identity()
    for unfit in ({"ca": True}, {"purpose": ExtendedKeyUsageOID.CODE_SIGNING}):
        given(*certified(tmp_path, key, **unfit))
        with pytest.raises(ValueError, match="PRAXINO_SIGN_CERT .*; give one for signing"):
            film(tmp_path / "f.mp4")
    assert not (tmp_path / "f.mp4").exists()
    assert not list(tmp_path.glob(".f*"))
    monkeypatch.delenv("PRAXINO_SIGN_KEY")
    with pytest.raises(ValueError, match="PRAXINO_SIGN_CERT is set, and PRAXINO_SIGN_KEY is not"):
        signing.identity()
