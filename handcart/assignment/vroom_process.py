"""Run VROOM on the JSON problem on standard input; the answer goes to standard output.

The first argument is the most processor seconds that it may take, so that it ends even if nobody stops it; the others
are VROOM's own.

A program of its own, started by `solver`: VROOM does not release the interpreter lock and can only be stopped by a
signal. It loads VROOM's binary module alone, because the package around it imports pandas, which takes half a second.
"""

import resource
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path


def main(arguments: list[str]) -> None:
    seconds = int(arguments[0])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    package = find_spec("vroom")
    for folder in (package and package.submodule_search_locations) or []:
        for path in (Path(folder) / f"_vroom{suffix}" for suffix in EXTENSION_SUFFIXES):
            spec = spec_from_file_location("_vroom", path) if path.exists() else None
            if spec and spec.loader:
                module = module_from_spec(spec)
                spec.loader.exec_module(module)
                module._main(["vroom", *arguments[1:]])
                return
    sys.exit("VROOM is missing: install handcart with the extra `assignment`")


if __name__ == "__main__":
    main(sys.argv[1:])
