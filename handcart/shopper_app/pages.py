"""The page of the shopper's app, its modules, its service worker and its manifest: the same for everybody.

The browser keeps them. The service worker serves them offline, and takes a new version as a whole.
"""

import base64
import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from handcart.core import errors
from handcart.core.web import packed, pages
from handcart.core.web.browser import html_headers
from handcart.core.web.call import Call, Handler, Reply, Route
from handcart.core.web.packed import Packed

_HERE = Path(__file__).parent
_KINDS = {
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".json": b"application/json",
    ".png": b"image/png",
    ".svg": b"image/svg+xml",
    ".wasm": b"application/wasm",
}
_WORKER = "app/service_worker.js"
# The scanner: loaded when a shopper scans for the first time, and kept by the service worker from its installation on.
_LATER = ("vendor/barcode-detector.js", "vendor/zxing-exported.js", "vendor/zxing_reader.wasm")

#: The app runs WebAssembly (the scanner), shows pictures that the camera took, and has a service worker and a manifest.
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)


@functools.cache
def files() -> Mapping[str, Packed]:
    """The files that the app loads, by their path below `/shopper/`."""
    found = sorted(file for folder in ("app", "vendor") for file in (_HERE / folder).rglob("*") if file.is_file())
    paths = {file.relative_to(_HERE).as_posix(): file for file in found if file.suffix in _KINDS}
    return {path: packed.pack(file.read_bytes()) for path, file in paths.items()}


def first_load() -> list[str]:
    """The modules and styles that the page needs before it shows anything, and the texts of no language."""
    needed = (".css", ".js")
    return [path for path in files() if path.endswith(needed) and path not in (*_LATER, _WORKER)]


async def _page(call: Call) -> Reply:
    """The page that starts the app."""
    headers = [
        *html_headers(policy=POLICY),
        (b"permissions-policy", b"camera=(self), geolocation=(self), microphone=()"),
    ]
    return packed.reply(call, _packed_page(call.app.settings.brand, call.app.settings.membership), headers)


@functools.lru_cache(maxsize=2)
def _packed_page(brand: str, membership: str) -> Packed:
    modules = [path for path in first_load() if path.endswith(".js")]
    text = pages.render("shopper_app/app.html", "en-US", brand=brand, membership=membership, modules=modules)
    return packed.pack(text.encode())


def _files_in(folder: str) -> Handler:
    """The handler for files of a folder."""

    async def file(call: Call) -> Reply:
        # Looked up in the list of files: a name from outside never reaches the file system.
        path = f"{folder}/{call.path['name']}"
        if path not in files() or path == _WORKER:
            raise errors.not_found()
        headers = [
            (b"content-type", _KINDS[Path(path).suffix]),
            (b"content-security-policy", b"default-src 'none'"),
            (b"cross-origin-resource-policy", b"same-origin"),
        ]
        return packed.reply(call, files()[path], headers)

    return file


async def _service_worker(call: Call) -> Reply:
    """The service worker, with the list of the files that it keeps."""
    headers = [
        (b"content-type", _KINDS[".js"]),
        (b"content-security-policy", b"default-src 'none'; connect-src 'self'"),
        (b"service-worker-allowed", b"/shopper"),
    ]
    settings = call.app.settings
    return packed.reply(call, _packed_worker(settings.brand, settings.membership), headers)


@functools.lru_cache(maxsize=2)
def _packed_worker(brand: str, membership: str) -> Packed:
    kept = {f"/shopper/{path}": file for path, file in files().items() if path != _WORKER}
    kept["/shopper"] = _packed_page(brand, membership)
    hashes = {path: _integrity(file.plain) for path, file in kept.items()}
    version = hashlib.sha256(json.dumps(hashes).encode()).hexdigest()[:16]
    head = f"const VERSION = {json.dumps(version)};\nconst FILES = {json.dumps(hashes, indent=1)};\n"
    return packed.pack(head.encode() + files()[_WORKER].plain)


async def _manifest(call: Call) -> Reply:
    """What a phone needs to install the app (W3C Web Application Manifest)."""
    brand = call.app.settings.brand
    manifest = {
        "id": "/shopper",
        "name": f"{brand} Shopper",
        "short_name": brand,
        "start_url": "/shopper",
        "scope": "/shopper",
        "display": "standalone",
        "background_color": "#0f1514",
        "theme_color": "#0d6b62",
        "icons": [
            {"src": "/shopper/app/icon.svg", "sizes": "any", "type": "image/svg+xml"},
            {"src": "/shopper/app/icon-192.png", "sizes": "192x192", "type": "image/png"},
            {"src": "/shopper/app/icon-512.png", "sizes": "512x512", "type": "image/png", "purpose": "any maskable"},
        ],
    }
    body = packed.pack(json.dumps(manifest).encode())
    return packed.reply(call, body, [(b"content-type", b"application/manifest+json")])


def _integrity(content: bytes) -> str:
    """The hash of a file as browsers compare it (W3C Subresource Integrity)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content).digest()).decode()


ROUTES = (
    Route(method="GET", path="/shopper", handler=_page),
    Route(method="GET", path="/shopper/sw.js", handler=_service_worker),
    Route(method="GET", path="/shopper/manifest.webmanifest", handler=_manifest),
    *(
        Route(method="GET", path=f"/shopper/{folder}/{{name}}", handler=_files_in(folder))
        for folder in ("app", "app/screens", "app/texts", "vendor")
    ),
)
