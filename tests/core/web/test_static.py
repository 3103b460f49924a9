"""The headers of pages, and their static files."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from handcart.core.web import pages

ROOT = Path(pages.__file__).parents[2]


@pytest.mark.parametrize(
    ("form_action", "sources"),
    [
        (None, "'self'"),
        ("", "'self'"),
        ("https://shop.example.com", "'self' https://shop.example.com"),
        ("https://shop.example.com/linked?a=b;c", "'self' https://shop.example.com"),
        ("http://127.0.0.1:8001/redirect", "'self' http://127.0.0.1:8001"),
        ("https://shop.example.com; script-src *", "'self'"),
        ("https://shop.example.com *", "'self'"),
        ("https://shop.example.com\n", "'self'"),
        ("https://shop.example.com\r\nSet-Cookie: a=b", "'self'"),
        ("https://shop.example.com,https://other.example.com", "'self'"),
        ("https://shop.example.com@other.example.com", "'self'"),
        ("https://*.example.com", "'self'"),
        ("https://shop.example.com:*", "'self'"),
        ("https://shöp.example.com", "'self'"),
        ("https:", "'self'"),
        ("*", "'self'"),
        ("'unsafe-inline'", "'self'"),
        ("javascript:alert(1)", "'self'"),
        ("data:text/html,x", "'self'"),
    ],
)
def test_policy_then_only_one_other_origin_is_allowed(form_action: str | None, sources: str) -> None:
    policy = dict(part.split(" ", 1) for part in pages.content_security_policy(form_action).split("; "))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "'self'",
        "script-src": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "form-action": sources,
    }


def test_content_changes_then_its_static_url_does() -> None:
    content = (ROOT / "core/web/static/handcart.css").read_bytes()
    assert pages.static_url("handcart.css") == f"/static/handcart.css?v={hashlib.sha256(content).hexdigest()[:12]}"


def test_one_name_for_two_static_files_then_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_PACKAGE", tmp_path)
    for domain in ("accounts", "oauth"):
        (tmp_path / domain / "static").mkdir(parents=True)
        (tmp_path / domain / "static" / "form.css").touch()
    with pytest.raises(ValueError, match=r"oauth/static/form\.css has the name of .*accounts/static/form\.css"):
        pages.static_files.__wrapped__()


def test_module_imported_then_templates_and_calendars_are_not_loaded_yet() -> None:
    program = "import sys, handcart.core.web.pages; "
    program += "print({'jinja2', 'markupsafe', 'babel', 'tomllib', 'json'} & {*sys.modules})"
    shown = subprocess.run([sys.executable, "-c", program], cwd=ROOT.parent, capture_output=True, text=True, check=True)
    assert shown.stdout == "set()\n"
