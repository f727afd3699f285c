"""Adapter: `openssl cms` checks a detached signature. Both files stay in memory."""

import os
import subprocess
from contextlib import ExitStack

from edged.errors import ErrorCode, FormatError

TIMEOUT_S = 10.0


class OpensslCms:
    """Of RSA and ECDSA; certificates are not traced to an authority (see `edged.journals.signature`)."""

    def __init__(self, program: str = "openssl") -> None:
        self._program = program

    def signer(self, content: bytes, signature: bytes) -> bytes:
        """Return the signer's certificate, PEM. Raises FormatError: SHEET_UNSIGNED, or no openssl."""
        with ExitStack() as stack:
            files = [_in_memory(stack, data) for data in (content, signature, b"")]
            what, signed, signer = (f"/dev/fd/{fd}" for fd in files)
            command = [self._program, "cms", "-verify", "-binary", "-noverify", "-inform", "DER"]
            command += ["-in", signed, "-content", what, "-signer", signer, "-out", os.devnull]
            try:
                done = subprocess.run(  # noqa: S603 - fixed words, no shell
                    command, pass_fds=files, capture_output=True, timeout=TIMEOUT_S, check=False
                )
            except (OSError, subprocess.TimeoutExpired) as exc:
                raise FormatError(reason="openssl did not answer", why=str(exc)[:200]) from exc
            if done.returncode:
                last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
                why = "".join(last)[:200]
                raise FormatError(
                    ErrorCode.SHEET_UNSIGNED, reason="no valid signature over this sheet", why=why
                )
            os.lseek(files[2], 0, os.SEEK_SET)
            return os.read(files[2], 1 << 20)


def _in_memory(stack: ExitStack, data: bytes) -> int:
    fd = os.memfd_create("cms")
    stack.callback(os.close, fd)
    os.write(fd, data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
