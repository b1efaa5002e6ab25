"""Certificates for servers on the loopback interface, made with the openssl program."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from streams.embedded.ports import LOOPBACK

_TIMEOUT = 60
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Authority:
    """A certificate authority of one test run; all files are PEM."""

    def __init__(self, folder: Path) -> None:
        """Make its own certificate.

        Args:
            folder: for everything that it makes.
        """
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate, self._key = folder / "ca.pem", folder / "ca.key"
        _openssl("req", "-x509", *_KEY, "-keyout", self._key, "-out", self.certificate, "-subj", "/CN=ca", "-days", "2")

    def issue(self, name: str, address: str = f"IP:{LOOPBACK}") -> tuple[Path, Path]:
        """Issue a certificate.

        Args:
            name: its common name.
            address: in OpenSSL's notation, what the certificate is for.

        Returns:
            The files of the certificate and of its key.
        """
        certificate, key, request = (self._folder / f"{name}.{ending}" for ending in ("pem", "key", "csr"))
        extensions = self._folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={address}\n")
        _openssl("req", "-new", *_KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        signed = ("-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial", "-days", "2")
        _openssl("x509", "-req", "-in", request, *signed, "-extfile", extensions, "-out", certificate)
        return certificate, key


def encrypted(key: Path, password: str) -> Path:
    """Encrypt a key.

    Args:
        key: its file.
        password: to be.

    Returns:
        The file of the encrypted key.
    """
    target = key.with_suffix(".encrypted")
    _openssl("pkcs8", "-topk8", "-in", key, "-out", target, "-passout", f"pass:{password}")
    return target


def _openssl(*arguments: str | Path) -> None:
    try:
        done = subprocess.run(
            ["openssl", *map(str, arguments)],  # noqa: S607 - the one on the PATH
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except FileNotFoundError:
        pytest.skip("no openssl on the PATH to make certificates with")
    assert done.returncode == 0, done.stderr
