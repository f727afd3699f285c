"""The border between the kernel's errno and the station's codes, for everything that touches a disk."""

import contextlib
import errno
from collections.abc import Iterator

from edged.errors import DiskError, ErrorCode

_CODES = {
    errno.ENOSPC: ErrorCode.DISK_FULL,
    errno.EDQUOT: ErrorCode.DISK_FULL,
    errno.EROFS: ErrorCode.DISK_READ_ONLY,
    # The vault's file system cannot do what the recipe needs (reserve, rename without replacing).
    errno.EOPNOTSUPP: ErrorCode.VAULT_UNFIT,
}


@contextlib.contextmanager
def disk_errors(doing: str, path: str = "") -> Iterator[None]:
    """Translate an OSError of the block into DiskError with DISK_FULL, DISK_READ_ONLY, VAULT_UNFIT
    or DISK_FAULT; ``detail`` has ``doing``, ``path``, ``errno`` and its name."""
    try:
        yield
    except OSError as exc:
        number = exc.errno or errno.EIO
        name = errno.errorcode.get(number, str(number))
        code = _CODES.get(number, ErrorCode.DISK_FAULT)
        raise DiskError(code, doing=doing, path=path, errno=number, error=name) from exc
