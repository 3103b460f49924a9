"""Describe the machine of the measurements."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("uvicorn", "uvloop", "httptools", "msgspec", "asyncpg")


def describe() -> dict[str, str]:
    """Everything that influences the figures: names, versions, and the current load."""
    import sqlite3

    return {
        "processor": _field("/proc/cpuinfo", "model name"),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{int(_field('/proc/meminfo', 'MemTotal').split()[0]) // 2**20} GiB",
        "load average": f"{os.getloadavg()[0]:.2f}",
        "kernel": platform.release(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "PostgreSQL": _program_version("postgres"),
        "Node.js": _program_version("node"),
        **{package: version(package) for package in PACKAGES},
    }


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"


def _program_version(program: str) -> str:
    from tests.support.postgres import find_binaries

    directory = find_binaries() if program == "postgres" else None
    try:
        result = subprocess.run(
            [directory / program if directory else program, "--version"], capture_output=True, text=True, check=True
        )
    except (FileNotFoundError, subprocess.CalledProcessError):
        return "none"
    return result.stdout.split()[-1] if program == "node" else result.stdout.split()[2]
