"""
Check that PostgreSQL, PgBouncer and Chromium are installed for the tests: `python -m tools.ensure_system`. With
--generated-clients, check the compilers for generated clients too.

Installs missing programs as Debian packages if possible (root, apt-get available); otherwise prints one sentence with
the missing programs and exits with 1. Tests are never skipped because a program is missing.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.pooler import find_pgbouncer
from tests.support.postgres import find_binaries

# Debian starts a cluster on port 5432 when the package is installed. The tests start their own.
CREATE_CLUSTER = Path("/etc/postgresql-common/createcluster.conf")
# Where Debian installs the libraries for compiling generated clients.
ANNOTATIONS = Path("/usr/share/java/geronimo-annotation-1.3-spec.jar")
GO_PACKAGES = Path("/usr/share/gocode/src")


def has_chromium() -> bool:
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return any(shutil.which(name) for name in names)


def missing(*, generated_clients: bool = False) -> dict[str, list[str]]:
    """The missing programs, each with the Debian packages that contain it."""
    needs = {
        "the PostgreSQL server binaries": (find_binaries() is not None, ["postgresql"]),
        "PgBouncer": (find_pgbouncer() is not None, ["pgbouncer"]),
        "Chromium": (has_chromium(), ["chromium-headless-shell"]),
    }
    if generated_clients:
        needs["a Java compiler"] = (shutil.which("javac") is not None, ["default-jdk-headless"])
        needs["Java's annotations"] = (ANNOTATIONS.exists(), ["libgeronimo-annotation-1.3-spec-java"])
        needs["Go"] = (shutil.which("go") is not None, ["golang-go"])
        needs["Go's OAuth types"] = ((GO_PACKAGES / "golang.org/x/oauth2").exists(), ["golang-golang-x-oauth2-dev"])
        needs["Go's validator"] = ((GO_PACKAGES / "gopkg.in/validator.v2").exists(), ["golang-gopkg-validator.v2-dev"])
    return {name: packages for name, (is_there, packages) in needs.items() if not is_there}


def main(*options: str) -> None:
    generated_clients = "--generated-clients" in options
    absent = missing(generated_clients=generated_clients)
    if absent and os.geteuid() == 0 and shutil.which("apt-get"):
        install([package for packages in absent.values() for package in packages])
        absent = missing(generated_clients=generated_clients)
    if absent:
        packages = " ".join(package for packages in absent.values() for package in packages)
        sys.exit(f"Missing for the tests: {' and '.join(absent)}. On Debian: apt-get install {packages}")


def install(packages: list[str]) -> None:
    print("Installing", *packages, "...", flush=True)
    if not CREATE_CLUSTER.exists():
        CREATE_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
        CREATE_CLUSTER.write_text("create_main_cluster = false\n")
    keep_ours = ["--option", "Dpkg::Options::=--force-confold"]
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *keep_ours, *packages]):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        result = subprocess.run(
            ["apt-get", "-qq", *command], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if result.returncode:
            print(result.stdout[-2000:], result.stderr[-2000:], sep="\n", file=sys.stderr)
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
