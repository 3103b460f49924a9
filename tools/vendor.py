"""
Fetch the files of other projects that the shopper's app contains: `python -m tools.vendor`.

Reads `handcart/shopper_app/vendor/vendored.toml`, takes each package with npm, writes its files beside the list, and
their hashes into it. To take a newer release, change its version in the list first.
"""

import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from hashlib import sha256
from pathlib import Path

VENDOR = Path(__file__).resolve().parent.parent / "handcart" / "shopper_app" / "vendor"
LIST = VENDOR / "vendored.toml"
ENTRY = "[[file]]"


def fetched(package: str, version: str, folder: Path) -> Path:
    """The unpacked package."""
    target = folder / f"{package}-{version}"
    if not target.exists():
        target.mkdir()
        command = ["npm", "pack", f"{package}@{version}", "--silent", "--pack-destination", str(target)]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        subprocess.run(command, env={**os.environ, "PATH": path}, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(target.glob("*.tgz"))) as archive:
            archive.extractall(target, filter="data")
    return target / "package"


def main() -> None:
    head, *entries = LIST.read_text().split(ENTRY)
    with tempfile.TemporaryDirectory() as folder:
        for place, entry in enumerate(entries):
            file = tomllib.loads(entry)
            content = (fetched(file["package"], file["version"], Path(folder)) / file["path"]).read_bytes()
            (VENDOR / file["name"]).write_bytes(content)
            entries[place] = re.sub('(?<=sha256 = ")[^"]*', sha256(content).hexdigest(), entry)
    LIST.write_text(ENTRY.join([head, *entries]))


if __name__ == "__main__":
    main()
