"""
Build the distributions and try them: `python -m tools.dist [--try]`. Wheels and source archives are put into dist/.

`--try` installs the wheels into empty environments and uses them: the server answers and takes orders, the client
reads one, the pytest plugin runs a test. No package index is asked: the packages that the wheels need are copied from
.venv, which has those of the lock file.
"""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
PROJECTS = (ROOT, ROOT / "client")
# pip writes these when it installs a wheel.
OF_INSTALLATION = {"INSTALLER", "RECORD", "REQUESTED", "direct_url.json"}
START_SECONDS = 30
A_TEST = """
from handcart_client import Client


def test_order_placed_then_the_client_reads_it(handcart_sandbox):
    sandbox = handcart_sandbox
    order = sandbox.place_order(scenario="happy_path")
    with Client(sandbox.base_url, sandbox.client_id, sandbox.client_secret) as connect:
        assert connect.orders.get(order.user_id, order.order_id).status == "completed"
"""


def main() -> None:
    build()
    if "--try" in sys.argv[1:]:
        with tempfile.TemporaryDirectory(prefix="handcart-dist-") as directory:
            try_out(Path(directory))


def build() -> None:
    """Build a wheel and a source archive of each project into an empty dist/."""
    shutil.rmtree(DIST, ignore_errors=True)
    for project in PROJECTS:
        subprocess.run([sys.executable, "-m", "hatchling", "build", "--directory", str(DIST)], cwd=project, check=True)


def try_out(directory: Path) -> None:
    """Install the wheels in each way that the documentation names, and use them."""
    packages = directory / "packages"
    packages.mkdir()
    for installed in metadata.distributions():
        pack(installed, packages)
    server = environment(directory / "server", packages, "handcart")
    run(server / "handcart", "--version")
    serve(server, directory / "data")
    whole = environment(directory / "whole", packages, "handcart[testing]", "handcart-client")
    run_test(whole, directory / "whole-tests")
    light = environment(directory / "light", packages, "pytest", "handcart-client")
    install(light, packages, "--no-deps", "handcart")
    run_test(light, directory / "light-tests", python=server / "python")
    archives = environment(directory / "archives", packages, "hatchling")
    install(archives, packages, "--no-deps", "--no-build-isolation", *map(str, sorted(DIST.glob("*.tar.gz"))))
    print("The wheels and the source archives install, and work.")


def pack(installed: metadata.Distribution, directory: Path) -> None:
    """Make a wheel of a package of .venv. Nothing is made of a package whose code is elsewhere, as that of Handcart."""
    wheel_file, files = installed.read_text("WHEEL"), installed.files
    if wheel_file is None or files is None or installed.read_text("direct_url.json"):
        return
    name = installed.name.replace("-", "_").replace(".", "_")
    tags = [line.removeprefix("Tag: ").split("-") for line in wheel_file.splitlines() if line.startswith("Tag: ")]
    fitting = "-".join(".".join(dict.fromkeys(parts)) for parts in zip(*tags, strict=True))
    info = next(file.parts[0] for file in files if file.name == "WHEEL")
    record = []
    with zipfile.ZipFile(directory / f"{name}-{installed.version}-{fitting}.whl", "w") as wheel:
        for file in files:
            if ".." in file.parts or file.suffix == ".pyc" or file.name in OF_INSTALLATION:
                continue
            content = file.read_binary()
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.append(f'"{file}",sha256={digest},{len(content)}')
            wheel.writestr(str(file), content)
        wheel.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,", ""]))


def environment(directory: Path, packages: Path, *wanted: str) -> Path:
    """Make an environment with `wanted`, and print what it costs; returns the directory of its programs."""
    run(sys.executable, "-m", "venv", "--without-pip", directory)
    programs = directory / "bin"
    install(programs, packages, *wanted)
    (site,) = directory.glob("lib/python*/site-packages")
    size = sum(file.stat().st_size for file in site.rglob("*") if file.is_file())
    print(f"{' '.join(wanted)}: {len(list(site.glob('*.dist-info')))} packages, {size / 1e6:.0f} MB", flush=True)
    return programs


def install(programs: Path, packages: Path, *arguments: str) -> None:
    """Run pip on an environment. It finds `packages` and dist/, and asks no index."""
    found = ("--no-index", "--find-links", str(packages), "--find-links", str(DIST))
    command = (sys.executable, "-m", "pip", "--python", str(programs / "python"), "install", "--quiet", "--no-compile")
    # The settings of pip of this machine may name places to look at, too.
    run(*command, *found, *arguments, PIP_CONFIG_FILE=os.devnull, PIP_FIND_LINKS="", PIP_ROOT_USER_ACTION="ignore")


def serve(programs: Path, data: Path) -> None:
    """Make a database, and start the server and its worker."""
    run(programs / "handcart", "migrate", "--data", data)
    run(programs / "handcart", "worker", "--once", "--data", data)
    command = [str(programs / "handcart"), "serve", "--environment", "sandbox", "--port", "0", "--data", str(data)]
    with (data / "log").open("wb") as log:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=clean())
    try:
        deadline = time.monotonic() + START_SECONDS
        while '"listening"' not in (data / "log").read_text():
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit("handcart serve does not start:\n" + (data / "log").read_text())
            time.sleep(0.05)
    finally:
        server.terminate()
        server.wait()


def run_test(programs: Path, directory: Path, python: Path | None = None) -> None:
    """Run an application's test; `python`: of the environment that has the server, if it is another one."""
    directory.mkdir()
    (directory / "test_shop.py").write_text(A_TEST)
    (directory / "pytest.ini").write_text("[pytest]\n" + (f"handcart_python = {python}\n" if python else ""))
    run(programs / "python", "-m", "pytest", "-q", directory, cwd=directory)


def clean() -> dict[str, str]:
    """The environment of this process without what leads to this checkout or to settings of Handcart."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("HANDCART_", "PYTHON"))}


def run(*command: str | Path, cwd: Path | None = None, **more: str) -> None:
    """Run a command outside the checkout; ends this program with its status if it fails."""
    status = subprocess.run(
        [str(part) for part in command], cwd=cwd or DIST, env={**clean(), **more}, stdin=subprocess.DEVNULL
    ).returncode
    if status:
        sys.exit(f"failed with status {status}: {' '.join(map(str, command))}")


if __name__ == "__main__":
    main()
