"""A private certificate authority, as companies have one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def certify(folder: Path, host: str) -> tuple[Path, Path, Path]:
    """Write the certificate of a new authority, and the certificate and key of a host."""
    authority_key, host_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _name("Private authority")
    issued = _certificate(authority, authority_key.public_key(), authority, "").sign(
        authority_key, hashes.SHA256()
    )
    own = _certificate(_name(host), host_key.public_key(), authority, host).sign(
        authority_key, hashes.SHA256()
    )
    paths = (folder / "authority.pem", folder / "host.pem", folder / "host.key")
    paths[0].write_bytes(issued.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(own.public_bytes(serialization.Encoding.PEM))
    paths[2].write_bytes(
        host_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name, key: ec.EllipticCurvePublicKey, issuer: x509.Name, host: str
) -> x509.CertificateBuilder:
    """Describe a certificate of a host; without one, that of an authority."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=not host, path_length=None), critical=True)
    )
    if not host:
        return builder
    return builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
