"""The demo's URLs."""

import pytest

from handcart.core.web.sockets import listen
from handcart.demo.errors import DemoFailed
from handcart.demo.urls import Sockets, urls_of


def test_public_url_set_then_the_storefront_is_at_its_host() -> None:
    with listen("127.0.0.1", 0) as api, listen("127.0.0.1", 0) as storefront:
        sockets, port = Sockets(api, storefront), storefront.getsockname()[1]
        urls = urls_of(sockets, "127.0.0.1", "http://handcart:8080/", None)
        assert (urls.api, urls.storefront) == ("http://handcart:8080", f"http://handcart:{port}")
        assert urls.own_storefront == f"http://127.0.0.1:{port}"
        urls = urls_of(sockets, "127.0.0.1", "https://a.example", "https://b.example")
        assert (urls.api, urls.storefront) == ("https://a.example", "https://b.example")
        with pytest.raises(DemoFailed, match="--storefront-public-url"):
            urls_of(sockets, "127.0.0.1", "https://a.example", None)
        for url in ("http://x.example:99999", "ftp://x.example", "javascript:alert(1)"):
            with pytest.raises(DemoFailed, match="must be http://host"):
                urls_of(sockets, "127.0.0.1", url, None)
