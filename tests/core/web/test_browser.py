"""The names of cookies."""

from handcart.core.web.browser import cookie_name


def test_cookie_has_a_path_then_a_prefix_that_browsers_accept_with_it() -> None:
    assert cookie_name("sample", "/", is_https=True) == "__Host-sample"
    assert cookie_name("sample", "/staff", is_https=True) == "__Secure-sample"
    assert [cookie_name("sample", path, is_https=False) for path in ("/", "/staff")] == ["sample", "sample"]
