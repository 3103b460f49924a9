"""Certificates for servers of tests."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


class Authority:
    """Signs certificates of servers."""

    def __init__(self, directory: Path) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name("Authority of a test")
        self.file = directory / "authority.pem"
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = _unsigned(self.name, self.key, NOW + DAY, is_authority=True).add_extension(usage, critical=True)
        certificate = builder.issuer_name(self.name).sign(self.key, hashes.SHA256())
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def server(
        self,
        file: Path,
        *hosts: str,
        until: datetime.datetime = NOW + DAY,
        by_itself: bool = False,
        names_issuer: bool = True,
    ) -> Path:
        """A file with a new key and its certificate for these host names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer, signer = (_name(hosts[0]), key) if by_itself else (self.name, self.key)
        unsigned = (
            _unsigned(_name(hosts[0]), key, until, is_authority=False)
            .issuer_name(issuer)
            .add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
        )
        if names_issuer:
            identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
            unsigned = unsigned.add_extension(identifier, critical=False)
        certificate = unsigned.sign(signer, hashes.SHA256())
        plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        private = key.private_bytes(serialization.Encoding.PEM, *plain)
        file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        return file


def _unsigned(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, until: datetime.datetime, *, is_authority: bool
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 3 * DAY)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
