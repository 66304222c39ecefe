"""Bearer tokens (RFC 6750) that requests must have, from a file."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Callable
from pathlib import Path

from declnet import DeclnetError

_TOKEN = re.compile(rb"[A-Za-z0-9._~+/-]+=*")
SHORTEST = 16
"""Characters of a token: 16 random ones of this alphabet have 96 bits."""

LARGEST = 64 * 1024
"""Bytes of a file of tokens, at most."""


class TokenError(DeclnetError):
    """A file of tokens cannot be used."""

    exit_code = 2


class Tokens:
    """The tokens in a file, one a line; a client needs one of them.

    Args:
        path: the file.
        notice: receives notes on the file.

    Attributes:
        error: why the file's present content is not used; None if it is.

    Raises:
        TokenError: the file cannot be read, is empty, or has a line that is not a token.
    """

    def __init__(self, path: Path, notice: Callable[[str], None]) -> None:
        self._path, self._notice = path, notice
        self.error: str | None = None
        self._seen = self._signature()
        self._digests = self._read()

    def accept(self, header: bytes) -> bool:
        """Return whether the value of a header `Authorization` has one of the tokens.

        It takes the same time whatever the token: digests of the same length are all compared.
        """
        scheme, _, token = header.partition(b" ")
        digest = hashlib.sha256(token.strip()).digest()
        matches = [hmac.compare_digest(digest, known) for known in self._digests]
        return scheme.lower() == b"bearer" and any(matches)

    def reload(self) -> bool:
        """Read the file again if it has changed; return whether other tokens are valid now.

        A file that cannot be used changes nothing, and `error` says why.
        """
        signature = self._signature()
        if signature == self._seen:
            return False
        self._seen = signature
        try:
            digests = self._read()
        except TokenError as error:
            self.error = str(error)
            return False
        changed, self._digests, self.error = digests != self._digests, digests, None
        return changed

    def _signature(self) -> tuple[int, ...]:
        try:
            about = self._path.stat()
        except OSError:
            return ()
        # the last also changes with the mode and the owner, and when the time is set back
        return about.st_size, about.st_mtime_ns, about.st_ino, about.st_ctime_ns

    def _read(self) -> tuple[bytes, ...]:
        try:
            with self._path.open("rb") as file:
                content = file.read(LARGEST + 1)
                mode = os.fstat(file.fileno()).st_mode
        except OSError as error:
            raise TokenError(f"{self._path}: {error.strerror or error}") from None
        if len(content) > LARGEST:
            raise TokenError(f"{self._path}: has more than {LARGEST} bytes")
        digests = []
        for number, line in enumerate(content.splitlines(), start=1):
            token = line.strip()
            if not token:
                continue
            if not _TOKEN.fullmatch(token) or len(token) < SHORTEST:
                raise TokenError(
                    f"{self._path}: line {number} is not a token: at least {SHORTEST} letters, "
                    "digits or ._~+/-, e.g. of `openssl rand -hex 32`"
                )
            digests.append(hashlib.sha256(token).digest())
        if not digests:
            raise TokenError(f"{self._path}: has no token, so no request could be answered")
        if mode & 0o004:  # Kubernetes and Docker mount secrets so
            self._notice(f"{self._path}: every user of this machine can read it (chmod 600)")
        return tuple(digests)
