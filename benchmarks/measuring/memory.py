"""The memory of this process."""

from pathlib import Path


def megabytes(field: str) -> float:
    """A field of Linux's process status; 0 elsewhere.

    `VmRSS` is the resident memory, `VmHWM` its peak since the program began (unlike getrusage's,
    which begins with that of the process that started this one).
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii").splitlines():
            name, _, rest = line.partition(":")
            if name == field:
                return int(rest.split()[0]) / 1024
    return 0.0
