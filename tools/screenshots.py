"""
Take the screenshots of the documentation from the running demo: `python -m tools.screenshots`.

Writes docs/images/linking-journey.png (the steps side by side, composed by Chromium), and the storefront's time slots
(slots.png) and order page (order.png).
"""

import base64
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.tour import choose_store, to_slots
from tests.support.browser import ROOT, Demo, Visit, chromium, running_demo

IMAGES = ROOT / "docs" / "images"
STEP = {"width": 480, "height": 690}
SHOP: ViewportSize = {"width": 1040, "height": 860}
MOST_BYTES = 400_000

JOURNEY = """<!doctype html>
<meta charset="utf-8">
<style>
  body {{ margin: 0; font: 600 16px/1.3 "Liberation Sans", Arial, sans-serif; color: #1b2321; background: #fff; }}
  ol {{ display: grid; grid-template-columns: repeat(3, 300px); gap: 18px; width: max-content; margin: 0; padding: 14px;
        list-style: none; counter-reset: step; }}
  li {{ counter-increment: step; }}
  p {{ display: flex; gap: 8px; align-items: center; margin: 0 0 8px; white-space: nowrap; }}
  p::before {{ content: counter(step); flex: none; width: 24px; line-height: 24px; border-radius: 50%;
               text-align: center; font-size: 14px; color: #fff; background: #0d6b62; }}
  img {{ display: block; box-sizing: border-box; width: 300px; border: 1px solid #b9b7ae; border-radius: 8px; }}
</style>
<ol>{steps}</ol>
"""


@dataclass(frozen=True)
class Step:
    """One screenshot of the journey, as PNG, with its caption."""

    caption: str
    png: bytes

    @property
    def html(self) -> str:
        data = base64.b64encode(self.png).decode()
        return f'<li><p>{self.caption}</p><img src="data:image/png;base64,{data}" alt=""></li>'


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, running_demo(Path(data)) as demo, chromium() as browser:
        compose(browser, journey(demo, browser), IMAGES / "linking-journey.png")
        order(demo, browser)


def journey(demo: Demo, browser: Browser) -> list[Step]:
    """Take a screenshot of each page from the shop's profile to its checkout and the platform's account page."""
    visit = Visit(demo, browser, viewport=STEP, color_scheme="light")
    visit.to_profile()
    steps = [Step("The shop offers the link", take(visit.page))]
    visit.start_link()
    visit.page.get_by_label("Email").fill(demo.member["email"])
    visit.page.get_by_label("Password").fill(demo.member["password"])
    steps.append(Step("The customer logs in at Handcart", take(visit.page)))
    visit.press("Log in")
    steps.append(Step("and allows the shop", take(visit.page)))
    visit.answer("allow")
    steps.append(Step("The shop sees the membership", take(visit.page)))
    visit.to_checkout()
    steps.append(Step("The checkout honors it", take(visit.page)))
    visit.to_account()
    steps.append(Step("The customer unlinks at any time", take(visit.page)))
    visit.close()
    return steps


def order(demo: Demo, browser: Browser) -> None:
    """Order a delivery for the member linked by `journey`; take screenshots of the time slots and of the order."""
    visit = Visit(demo, browser, viewport=SHOP, color_scheme="light")
    visit.to_profile()
    choose_store(visit, "10001")
    visit.press("Add Red table wine")
    to_slots(visit, "10001")
    visit.page.locator(".slots > .grid button.off", has_text="Full").first.hover()
    save(take(visit.page), IMAGES / "slots.png")
    visit.page.locator(".grid tr:nth-child(8) button.slot:not(.off):visible").nth(1).click()
    visit.page.get_by_label("Date of birth").fill("1991-03-05")
    visit.page.get_by_label("Tip for your shopper").select_option("$5.00")
    visit.press("Place order")
    order_id = visit.page.url.rpartition("/")[2]
    demo.sandbox(f"orders/{order_id}/run", scenario="replaced", pace="real_time", seed=1)
    visit.page.evaluate("document.activeElement.blur()")  # the page does not refresh a focused part
    while demo.sql("SELECT status FROM orders WHERE order_id = ?", order_id) != [("delivering",)]:
        demo.sandbox("clock/next", what=["robot_step"])
    expect(visit.page.locator(".story li").last).to_contain_text("On its way to you")
    visit.page.reload()  # without the notice that the order was placed
    visit.page.set_viewport_size({**SHOP, "height": 960})
    save(take(visit.page), IMAGES / "order.png")
    visit.close()


def compose(browser: Browser, steps: list[Step], file: Path) -> None:
    """Put the steps side by side on a page and take a screenshot."""
    page = browser.new_page(device_scale_factor=1.4)
    page.set_content(JOURNEY.format(steps="".join(step.html for step in steps)))
    save(page.locator("ol").screenshot(), file)
    page.close()


def take(page: Page) -> bytes:
    """The window as PNG, without focus and animations."""
    page.evaluate("document.activeElement.blur()")
    return page.screenshot(animations="disabled", caret="hide")


def save(png: bytes, file: Path) -> None:
    if len(png) > MOST_BYTES:
        raise SystemExit(f"{file.name} would have {len(png)} bytes: more than {MOST_BYTES}")
    file.write_bytes(png)
    print(f"{file.relative_to(ROOT)}: {len(png)} bytes")


if __name__ == "__main__":
    main()
