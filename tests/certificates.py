"""Certificates of servers in tests, made on the spot."""

import ssl
import subprocess
from pathlib import Path


def make_certificate(
    folder: Path, names: str = "IP:127.0.0.1", days: int = 2
) -> tuple[Path, Path]:
    """Key and chain of one that vouches for itself; with 0 days it has just ended."""
    key, chain = folder / "key.pem", folder / "chain.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes"),
            *("-days", str(days), "-subj", "/CN=pixelmeter test"),
            *("-addext", f"subjectAltName={names}"),
            *("-keyout", str(key), "-out", str(chain)),
        ],
        check=True,
        capture_output=True,
    )
    return key, chain


def server_side(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    """What a server needs to show its certificate."""
    key, chain = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context
