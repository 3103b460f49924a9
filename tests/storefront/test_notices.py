"""The platform's account page in notices."""

from dataclasses import replace

from storefront.notices import notice_for


def test_account_page_unknown_then_its_name_without_a_link(settings):
    notice = notice_for("linked_elsewhere", replace(settings, account_url=None))
    assert "Unlink it on your Basket &amp; Co account page, or use another account." in notice.text
