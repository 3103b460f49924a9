"""Find the route of a request by its raw path."""

from collections.abc import Sequence
from urllib.parse import unquote

from handcart.core import errors
from handcart.core.web.call import Route


class _Node:
    """One path segment of the route table."""

    __slots__ = ("children", "parameter", "routes")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.parameter: tuple[str, _Node] | None = None
        self.routes: dict[str, Route] = {}


class Router:
    """Finds a route by the raw path, so that an encoded slash stays within its segment."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)
        self._fixed = {(route.method, route.path): route for route in routes if "{" not in route.path}

    def match(self, method: str, raw_path: str) -> tuple[Route, dict[str, str]]:
        """The route and its path parameters; raises 404 or 405."""
        fixed = self._fixed.get((method, raw_path))
        if fixed is not None:
            return fixed, {}
        node: _Node | None = self._root
        values: dict[str, str] = {}
        for segment in _segments(raw_path):
            child = node.children.get(segment)  # type: ignore[union-attr]
            if child is None and node.parameter is not None and segment:  # type: ignore[union-attr]
                name, child = node.parameter  # type: ignore[union-attr]
                values[name] = _decoded(segment)
            if child is None:
                raise errors.not_found()
            node = child
        assert node is not None
        route = node.routes.get("GET" if method == "HEAD" else method)
        if route is None:
            raise errors.method_not_allowed(list(node.routes)) if node.routes else errors.not_found()
        return route, values

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in _segments(route.path):
            if segment.startswith("{"):
                if node.parameter is None:
                    node.parameter = (segment[1:-1], _Node())
                node = node.parameter[1]
            else:
                node = node.children.setdefault(segment, _Node())
        if route.method in node.routes:
            raise ValueError(f"two routes for {route.method} {route.path}")
        node.routes[route.method] = route


def _segments(raw_path: str) -> list[str]:
    # One slash at the end is ignored.
    path = raw_path[1:-1] if len(raw_path) > 1 and raw_path.endswith("/") else raw_path[1:]
    return path.split("/") if path else []


def _decoded(segment: str) -> str:
    if "%" not in segment:
        return segment
    try:
        text = unquote(segment, errors="strict")
    except UnicodeDecodeError:
        raise errors.not_found() from None
    if "\0" in text:
        raise errors.not_found()
    return text
