"""Redirect URIs that look like a registered one, but differ from it."""

from collections.abc import Callable
from itertools import permutations
from random import Random
from urllib.parse import quote, urlsplit

SEED = 20250709
LOOPBACK_URI = "http://127.0.0.1:8123/account/link?from=profile"


def _host(change: Callable[[str], str]) -> Callable[[str], str]:
    return lambda uri: uri.replace(urlsplit(uri).netloc, change(urlsplit(uri).netloc), 1)


def _path(change: Callable[[str], str]) -> Callable[[str], str]:
    return lambda uri: uri.replace("/account/link", change("/account/link"), 1)


def _query(change: Callable[[str], str]) -> Callable[[str], str]:
    return lambda uri: uri.replace("from=profile", change("from=profile"), 1)


MUTATIONS: dict[str, Callable[[str], str]] = {
    "scheme case": lambda uri: uri.replace("http", "HTTP", 1),
    "other scheme": lambda uri: uri.replace("https", "http", 1) if "https" in uri else uri.replace("http", "https", 1),
    "script scheme": lambda uri: "javascript:alert(1)//" + uri,
    "no scheme": lambda uri: uri.partition(":")[2],
    "three slashes": lambda uri: uri.replace("://", ":///", 1),
    "one slash": lambda uri: uri.replace("://", ":/", 1),
    "backslashes": lambda uri: uri.replace("://", ":\\\\", 1),
    "host case": _host(str.upper),
    "host dot": _host(lambda host: host.replace("shop.example", "shop.example.") + ("." if "127" in host else "")),
    "subdomain": _host(lambda host: f"evil.{host}"),
    "suffix": _host(lambda host: f"{host}.evil.example"),
    "prefix": _host(lambda host: f"evil{host}"),
    "other host": _host(lambda host: "evil.example"),
    "localhost": _host(lambda host: "localhost:8123"),
    "port": _host(lambda host: host + ":443" if ":" not in host else host.replace("8123", "8124")),
    "no port": _host(lambda host: host.partition(":")[0] + "/" if ":" in host else f"{host}:"),
    "port zero": _host(lambda host: host.partition(":")[0] + ":0"),
    "user": _host(lambda host: f"user@{host}"),
    "user of evil": _host(lambda host: f"{host}@evil.example"),
    "backslash user": _host(lambda host: f"evil.example\\@{host}"),
    "unicode dot": _host(lambda host: host.replace(".", "\u3002", 1)),
    "full width": _host(lambda host: host.replace("shop", "\uff53hop").replace("127", "\uff1127")),
    "twin letter": _host(lambda host: host.replace("o", "\u043e", 1).replace("127", "\u0661\u0662\u0667")),
    "punycode": _host(lambda host: "xn--" + host),
    "encoded host": _host(lambda host: "%73" + host[1:]),
    "soft hyphen": _host(lambda host: host[:2] + "\u00ad" + host[2:]),
    "decimal address": _host(lambda host: host.replace("127.0.0.1", "2130706433").replace("shop", "sh0p")),
    "short address": _host(lambda host: host.replace("127.0.0.1", "127.1").replace("shop", "shop-")),
    "other loopback": _host(lambda host: host.replace("127.0.0.1", "[::1]").replace("shop", "shop.shop")),
    "path case": _path(str.upper),
    "trailing slash": _path(lambda path: path + "/"),
    "leading slashes": _path(lambda path: "/" + path),
    "dot segment": _path(lambda path: path + "/."),
    "parent segment": _path(lambda path: path + "/../link"),
    "climb": _path(lambda path: path + "/../../evil"),
    "encoded dots": _path(lambda path: path + "/%2e%2e/link"),
    "encoded dot": _path(lambda path: path.replace("account", "%2e/account")),
    "encoded slash": _path(lambda path: path.replace("t/l", "t%2fl")),
    "encoded letter": _path(lambda path: path.replace("k", "%6b")),
    "encoded twice": _path(lambda path: path.replace("k", "%256b")),
    "path backslash": _path(lambda path: path.replace("t/l", "t\\l")),
    "path parameter": _path(lambda path: path + ";a=1"),
    "path longer": _path(lambda path: path + "er"),
    "path shorter": _path(lambda path: path[:-1]),
    "no path": _path(lambda path: ""),
    "tab": _path(lambda path: path[:3] + "\t" + path[3:]),
    "line end": _path(lambda path: path[:3] + "\r\n" + path[3:]),
    "null, encoded": _path(lambda path: path + "%00"),
    "query added": _query(lambda query: query + "&a=1"),
    "query added before": _query(lambda query: "a=1&" + query),
    "query case": _query(str.upper),
    "query changed": _query(lambda query: query + "2"),
    "query encoded": _query(lambda query: query.replace("p", "%70")),
    "query empty": _query(lambda query: ""),
    "query twice": _query(lambda query: query + "&" + query),
    "query separator": _query(lambda query: query + "&"),
    "second question mark": _query(lambda query: "?" + query),
    "no query": lambda uri: uri.partition("?")[0],
    "fragment": lambda uri: uri + "#evil",
    "empty fragment": lambda uri: uri + "#",
    "space before": lambda uri: " " + uri,
    "space after": lambda uri: uri + " ",
    "line end after": lambda uri: uri + "\n",
    "wildcard": lambda uri: uri.rpartition("/")[0] + "/*",
    "itself within another": lambda uri: "https://evil.example/?to=" + uri,
    "after another": lambda uri: uri + ",https://evil.example/",
    "encoded as a whole": lambda uri: quote(uri, safe=""),
    "twice": lambda uri: uri + uri,
    "empty": lambda uri: "",
}


def mutated(uri: str) -> list[str]:
    """Every mutation of `uri`, and pairs of them one upon the other up to 300 in all; none equal to `uri`."""
    found = dict.fromkeys(change(uri) for change in MUTATIONS.values())
    pairs = list(permutations(MUTATIONS.values(), 2))
    Random(SEED).shuffle(pairs)
    for first, second in pairs:
        found[second(first(uri))] = None
        if len(found) == 300:
            break
    found.pop(uri, None)
    return list(found)
