"""Certificates of servers in tests, made on the spot."""

import ssl
import subprocess
from pathlib import Path

_AUTHORITY = """\
[ca]
default_ca = own
[own]
database = {folder}/index.txt
new_certs_dir = {folder}
serial = {folder}/serial
default_md = sha256
policy = any
x509_extensions = own_v3
[any]
commonName = supplied
[own_v3]
basicConstraints = CA:TRUE
subjectAltName = {names}
"""


def make_certificate(
    folder: Path, names: str = "IP:127.0.0.1", until: str = "20991231000000Z"
) -> tuple[Path, Path]:
    """Key and chain of one that vouches for itself, from 2020 to an instant."""
    key, chain = folder / "key.pem", folder / "chain.pem"
    asked, settings = folder / "asked.pem", folder / "ca.cnf"
    settings.write_text(_AUTHORITY.format(folder=folder, names=names))
    (folder / "index.txt").write_text("")
    fresh = ("-newkey", "rsa:2048", "-nodes", "-subj", "/CN=pixelmeter test")
    _openssl("req", "-new", *fresh, "-keyout", str(key), "-out", str(asked))
    signed = ("-batch", "-selfsign", "-config", str(settings), "-create_serial")
    span = ("-startdate", "20200101000000Z", "-enddate", until)
    files = ("-keyfile", str(key), "-in", str(asked), "-out", str(chain))
    _openssl("ca", *signed, *span, "-notext", *files)
    return key, chain


def _openssl(*arguments: str) -> None:
    subprocess.run(("openssl", *arguments), check=True, capture_output=True)


def server_side(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    """What a server needs to show its certificate."""
    key, chain = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context
