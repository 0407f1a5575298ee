"""Who signs films: the operator, by PRAXINO_SIGN_CERT and PRAXINO_SIGN_KEY, or this installation by itself.

Its own certificate is made when the first film is signed, and kept in the user's state folder. It hangs on a root
whose key is thrown away: it says that films come from one hand, not whose hand that is.
"""

import os
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, Name

CERT, KEY = "PRAXINO_SIGN_CERT", "PRAXINO_SIGN_KEY"
ENDS = datetime(2056, 1, 1, tzinfo=UTC)  # no time-stamp server vouches for when, so films are valid no longer than this
CERTIFICATES = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)
PRIVATE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.+?-----END [A-Z ]*PRIVATE KEY-----\n?", re.DOTALL)
CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}  # names of X.509's and of C2PA's


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What films are signed with."""

    chain: str  # PEM: the certificate, then what it hangs on
    key: str  # PEM
    algorithm: str  # as C2PA calls it
    source: str  # where it comes from, for messages
    remedy: str


def path() -> Path:
    """Where this installation keeps its certificate and key."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "praxino" / "signing.pem"


def identity() -> Identity:
    """What films are signed with here; made where there is nothing yet.

    Raises ValueError naming the variable or file, and the remedy.
    """
    given = _given()
    if given is not None:
        return _operators(*given)
    if not path().exists():
        _keep(_made(), path())
    return _own()


def certificates() -> list[str]:
    """The certificates that films are, or were, signed with here: each in PEM with what it hangs on.

    Raises ValueError as `identity` does.
    """
    given = _given()
    chains = [] if given is None else [_operators(*given).chain]
    return chains + ([_own().chain] if path().exists() else [])


def _own() -> Identity:
    file = path()
    text = _text(file, str(file))
    remedy = f"remove it, and another one is made, or set {CERT} and {KEY}"
    key, chain = PRIVATE.search(text), "".join(CERTIFICATES.findall(text))
    if key is None or not chain:
        raise ValueError(f"{file} holds no certificate with its key; {remedy}")
    return Identity(chain=chain, key=key[0], algorithm="es256", source=str(file), remedy=remedy)


def anchor(chain: str) -> str:
    """What a chain, in PEM, hangs on in the end."""
    return CERTIFICATES.findall(chain)[-1]


def serial(chain: str) -> str:
    """The number of a chain's certificate, as C2PA writes it."""
    from cryptography import x509

    return str(x509.load_pem_x509_certificate(CERTIFICATES.findall(chain)[0].encode()).serial_number)


def _given() -> tuple[Path, Path] | None:
    cert, key = os.environ.get(CERT), os.environ.get(KEY)
    if not cert and not key:
        return None
    if not cert or not key:
        lone, other = (CERT, KEY) if cert else (KEY, CERT)
        raise ValueError(f"{lone} is set, and {other} is not; set both, or neither")
    return Path(cert), Path(key)


def _operators(cert: Path, key: Path) -> Identity:
    """Raises ValueError where the two files do not fit one another, or their purpose."""
    chain = "".join(CERTIFICATES.findall(_text(cert, f"{CERT} {cert}")))
    private = PRIVATE.search(_text(key, f"{KEY} {key}"))
    if not chain:
        raise ValueError(f"{CERT} {cert} holds no certificate; give one in PEM, with what it hangs on after it")
    if private is None:
        raise ValueError(f"{KEY} {key} holds no private key; give one in PEM")
    return Identity(
        chain=chain,
        key=private[0],
        algorithm=_algorithm(chain, private[0], cert, key),
        source=f"{CERT} {cert}",
        remedy="give one for signing: no CA's; extended key usage emailProtection, documentSigning or C2PA's own",
    )


def _algorithm(chain: str, key: str, cert: Path, key_path: Path) -> str:
    """What a certificate and its key sign by. Raises ValueError where they do not fit."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    try:
        every = x509.load_pem_x509_certificates(chain.encode())
        first, public = every[0], every[0].public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"{CERT} {cert} cannot be read ({error}); give a certificate in PEM") from None
    try:
        private = serialization.load_pem_private_key(key.encode(), None)
    except TypeError:
        raise ValueError(f"{KEY} {key_path} is encrypted; give it without a password") from None
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"{KEY} {key_path} cannot be read ({error}); give a private key in PEM") from None
    if private.public_key() != public:
        raise ValueError(f"{KEY} {key_path} is not the key of {CERT} {cert}; give the two that belong together")
    if len(every) == 1 and first.issuer != first.subject:
        raise ValueError(f"{CERT} {cert} ends with its first certificate; add its issuer's after it")
    now = datetime.now(UTC)
    if not first.not_valid_before_utc <= now <= first.not_valid_after_utc:
        span = f"{first.not_valid_before_utc:%Y-%m-%d} to {first.not_valid_after_utc:%Y-%m-%d}"
        raise ValueError(f"{CERT} {cert} holds from {span}; give one that holds now")
    if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name in CURVES:
        return CURVES[private.curve.name]
    if isinstance(private, rsa.RSAPrivateKey):
        return "ps256"
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return "ed25519"
    raise ValueError(f"{KEY} {key_path} is of a kind that C2PA does not know; use EC P-256, RSA or Ed25519")


def _text(file: Path, name: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise ValueError(f"{name} cannot be read ({why}); give a file in PEM") from None


def _keep(text: str, file: Path) -> None:
    """Write the file where there is none, whole or not at all; whoever comes second uses what the first one wrote."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = file.with_name(f".{file.name}.{secrets.token_hex(8)}.tmp")
        try:
            with open(temporary, "x", encoding="utf-8", opener=_mine) as out:
                out.write(text)
                out.flush()
                os.fsync(out.fileno())
            file.hardlink_to(temporary)
        except FileExistsError:
            return
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ValueError(
            f"{file}, the certificate to sign films with, cannot be written ({error.strerror}); set XDG_STATE_HOME"
            f" to a folder that can, or {CERT} and {KEY}"
        ) from None


def _mine(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _made() -> str:
    """A key, its certificate and the root that it hangs on, in PEM. The root's own key is not kept."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    top, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    number = secrets.token_hex(4)
    above, own = _name(f"Praxino root {number}"), _name(f"Praxino installation {number}")
    root, leaf = _certified(above, above, top, top, ca=True), _certified(own, above, key, top, ca=False)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = [private, *(each.public_bytes(serialization.Encoding.PEM) for each in (leaf, root))]
    return b"".join(pem).decode()


def _name(common: str) -> "Name":
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    pairs = ((NameOID.ORGANIZATION_NAME, "Praxino"), (NameOID.COMMON_NAME, common))
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in pairs])


def _certified(
    subject: "Name", issuer: "Name", key: "EllipticCurvePrivateKey", by: "EllipticCurvePrivateKey", *, ca: bool
) -> "Certificate":
    """A certificate as C2PA 2's profile asks for it: no CA's signs films, and what does says what it is for."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID

    use = x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    plain = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))  # clocks differ
        .not_valid_after(ENDS)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
        .add_extension(use, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    )
    if not ca:
        plain = plain.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    return plain.sign(by, hashes.SHA256())
