"""The certificates of one cluster, made when it starts: an authority whose key is then forgotten, and two pairs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, CertificateBuilder

CLOCKS_APART = timedelta(minutes=10)
"""How far the clocks of two machines may be apart."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, as PEM texts."""

    certificate: str
    key: str


@dataclass(frozen=True, slots=True)
class Certificates:
    """The authority's certificate (PEM), the scheduler's pair, and the one that the join file gives to all others."""

    authority: str
    scheduler: Pair
    member: Pair


def make_certificates(start: datetime, end: datetime) -> Certificates:
    """Certificates valid between two moments (with a time zone). The authority's key is not kept: it signs no more."""
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    authority = _signed(_named("dnnstudio cluster", key, start, end, authority=True), "dnnstudio cluster", key)
    pairs = {}
    for name in ("scheduler", "member"):
        own = ec.generate_private_key(ec.SECP256R1())
        pairs[name] = Pair(_pem(_signed(_named(name, own, start, end), "dnnstudio cluster", key)), _key_text(own))
    return Certificates(_pem(authority), pairs["scheduler"], pairs["member"])


def _named(
    name: str, key: EllipticCurvePrivateKey, start: datetime, end: datetime, *, authority: bool = False
) -> CertificateBuilder:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - CLOCKS_APART)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=0 if authority else None), critical=True)
    )
    if authority:
        return builder
    uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    return builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)


def _signed(builder: CertificateBuilder, issuer: str, key: EllipticCurvePrivateKey) -> Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import NameOID

    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)])
    return builder.issuer_name(name).sign(key, hashes.SHA256())


def _pem(certificate: Certificate) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM).decode()


def _key_text(key: EllipticCurvePrivateKey) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
