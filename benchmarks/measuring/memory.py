"""The memory of this process."""

from pathlib import Path


def megabytes(field: str) -> float:
    """Return a field of Linux's process status in MB; 0 on other systems.

    `VmRSS` is the resident memory, `VmHWM` its peak since the program began (unlike the peak from
    getrusage, which starts at the parent process's).
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii").splitlines():
            name, _, rest = line.partition(":")
            if name == field:
                return int(rest.split()[0]) / 1024
    return 0.0
