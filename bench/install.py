"""Install what the benchmarks need besides the project's environment: wrk, Node.js, and the peers' locked packages."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.ensure_system import install


class MissingTool(RuntimeError):
    """A tool is missing and cannot be installed; the text is one sentence for the user."""


class Unavailable(RuntimeError):
    """A candidate that cannot be installed here; the text says why. The others are measured without it."""


def debian_tool(command: str, package: str) -> None:
    """Make sure that `command` exists: install Debian's `package` if allowed, else raise MissingTool."""
    if not shutil.which(command) and os.geteuid() == 0 and shutil.which("apt-get"):
        install([package])
    if not shutil.which(command):
        raise MissingTool(f"The benchmark needs {command}; install it (on Debian: apt-get install {package}).")


def python_packages(lock: Path, venv: Path) -> Path:
    """Install a hashed lock file into `venv`, created if missing; returns the directory of its programs."""
    binaries = venv / "bin"
    installed, wanted = venv / "installed", f"{sys.version}\n{lock.read_text()}"
    if not installed.exists() or installed.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", venv], check=True)
        pip = [sys.executable, "-m", "pip", "--python", str(binaries / "python"), "--disable-pip-version-check"]
        _install([*pip, "install", "--quiet", "--require-hashes", "--requirement", str(lock)], lock.parent)
        installed.write_text(wanted)
    return binaries


def node_packages(directory: Path) -> None:
    """Install `directory`'s package-lock.json beside it."""
    debian_tool("node", "nodejs")
    debian_tool("npm", "npm")
    installed, wanted = directory / "node_modules" / "installed", (directory / "package-lock.json").read_text()
    if not installed.exists() or installed.read_text() != wanted:
        _install(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"], directory)
        installed.write_text(wanted)


def _install(command: Sequence[str], directory: Path) -> None:
    result = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if result.returncode:
        lines = (result.stderr.strip() or result.stdout.strip()).splitlines() or ["no word why"]
        raise Unavailable(f"{' '.join(command[:4])} failed: {lines[-1]}")


def python_version(binaries: Path, distribution: str) -> str:
    """The version of a distribution that is installed in another environment."""
    code = f"from importlib.metadata import version; print(version({distribution!r}))"
    return subprocess.run([binaries / "python", "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def node_version(directory: Path, package: str) -> str:
    """The version of an installed npm package."""
    manifest = directory / "node_modules" / package / "package.json"
    return str(json.loads(manifest.read_text())["version"])
