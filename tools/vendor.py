"""
Fetch the files of other projects that the shopper's app and the pages contain: `python -m tools.vendor`.

Reads each `vendored.toml` under `handcart/`, takes each package with npm, writes its files beside the list, and their
hashes into it. A file with a `source` in place of a `path` is not part of its package, and stays as it is. To take a
newer release, change its version in the list first.
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

LISTS = sorted((Path(__file__).resolve().parent.parent / "handcart").glob("**/vendored.toml"))
ENTRY = "[[file]]"


def fetched(package: str, version: str, folder: Path) -> Path:
    """The unpacked package."""
    target = folder / f"{package}-{version}"
    if not target.exists():
        target.mkdir(parents=True)  # a package may have a scope
        command = ["npm", "pack", f"{package}@{version}", "--silent", "--pack-destination", str(target)]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        subprocess.run(command, env={**os.environ, "PATH": path}, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(target.glob("*.tgz"))) as archive:
            archive.extractall(target, filter="data")
    return target / "package"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for listed in LISTS:
            head, *entries = listed.read_text().split(ENTRY)
            for place, entry in enumerate(entries):
                file = tomllib.loads(entry)
                if "path" not in file:  # not part of the package
                    continue
                content = (fetched(file["package"], file["version"], Path(folder)) / file["path"]).read_bytes()
                (listed.parent / file["name"]).write_bytes(content)
                entries[place] = re.sub('(?<=sha256 = ")[^"]*', sha256(content).hexdigest(), entry)
            listed.write_text(ENTRY.join([head, *entries]))


if __name__ == "__main__":
    main()
