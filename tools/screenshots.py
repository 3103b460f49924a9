"""
Take the screenshots of the documentation from the running demo: `python -m tools.screenshots`.

Writes docs/images/linking-journey.png (the steps side by side, composed by Chromium), the storefront's time slots
(slots.png) and order page (order.png), a day of an operator: the board (board.png), the page of an order
(order-page.png) and the shopper's app (phone.png, screens side by side), and the customer's page of an order in every
state, in light and dark (states-light.png, states-dark.png): `python -m tools.screenshots states` takes only these.
"""

import base64
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.tour import choose_store, to_slots
from tests.order_page.every_state import every_state
from tests.support.browser import ROOT, Demo, Visit, chromium, running_demo
from tests.support.orders import Market
from tests.support.sandbox import Shopping
from tests.support.server import live_server, make_data

IMAGES = ROOT / "docs" / "images"
STEP = {"width": 480, "height": 690}
SHOP: ViewportSize = {"width": 1040, "height": 860}
DESK: ViewportSize = {"width": 1280, "height": 800}
SMALL_PHONE: ViewportSize = {"width": 360, "height": 520}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 780},
    "is_mobile": True,
    "has_touch": True,
    "device_scale_factor": 2,
}
MOST_BYTES = 400_000

JOURNEY = """<!doctype html>
<meta charset="utf-8">
<style>
  body {{ margin: 0; font: 600 16px/1.3 "Liberation Sans", Arial, sans-serif; color: #1b2321; background: #fff; }}
  ol {{ display: grid; grid-template-columns: repeat({columns}, 300px); gap: 18px; width: max-content; margin: 0;
        padding: 14px; list-style: none; counter-reset: step; }}
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
    states()
    if sys.argv[1:] == ["states"]:
        return
    with tempfile.TemporaryDirectory() as data, running_demo(Path(data)) as demo, chromium() as browser:
        compose(browser, journey(demo, browser), IMAGES / "linking-journey.png")
        order(demo, browser)
        day(demo, browser)


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


def states() -> None:
    """Take screenshots of the page of an order in every state."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        make_data(data)
        with live_server(f"sqlite:///{data}/handcart.db", data) as server, chromium() as browser:
            market = Market(server)
            pages = {
                scheme: browser.new_page(viewport=SMALL_PHONE, color_scheme=scheme) for scheme in ("light", "dark")
            }
            taken: dict[str, list[Step]] = {scheme: [] for scheme in pages}
            for state, path in every_state(market, Shopping(market)):
                for scheme, page in pages.items():
                    page.goto(server.url + path)
                    taken[scheme].append(Step(state.replace("-", " "), take(page)))
            for scheme, steps in taken.items():
                compose(browser, steps, IMAGES / f"states-{scheme}.png", columns=6)


def day(demo: Demo, browser: Browser) -> None:
    """Give an order to a shopper on the board and deliver it with the app; take screenshots of both."""
    placed = [place(demo, kind) for kind in ("delivery", "pickup", "last_mile", "dispatch", "delivery")]
    for order_id, scenario in zip(placed[1:], ("happy_path", "happy_path", "late"), strict=False):
        demo.sandbox(f"orders/{order_id}/run", scenario=scenario, pace="real_time", seed=2)
    for _ in range(6):
        demo.sandbox("clock/next", what=["robot_step"])
    desk = browser.new_page(viewport=DESK, color_scheme="light", device_scale_factor=1)
    dispatcher = demo.staff[1]
    desk.goto(f"{demo.api_url}/console/orders")
    desk.get_by_label("Email").fill(dispatcher["email"])
    desk.get_by_label("Password").fill(dispatcher["password"])
    desk.locator("main form button").click()
    save(take(desk), IMAGES / "board.png")
    phone = browser.new_page(**PHONE, color_scheme="light")
    phone.goto(demo.shoppers[0]["link"])
    for field in phone.locator("input[type=password]").all():
        field.fill("2580")
    phone.locator("main form button").click()
    phone.get_by_role("heading", name="Hello").wait_for()
    desk.get_by_role("link", name=placed[0], exact=True).click()
    desk.get_by_label("Shopper", exact=True).select_option(index=1)
    desk.get_by_role("button", name="Give the order").click()
    steps = shop(phone)
    compose(browser, steps, IMAGES / "phone.png", columns=len(steps))
    desk.goto(desk.url.partition("?")[0])
    desk.set_viewport_size({**DESK, "height": 1180})
    save(take(desk), IMAGES / "order-page.png")
    desk.close()
    phone.close()


def place(demo: Demo, kind: str) -> str:
    """Place a sample order; returns its id."""
    command = [sys.executable, "-m", "handcart", "sandbox", "order", "--kind", kind, "--info", str(demo.data)]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.strip()


def shop(phone: Page) -> list[Step]:
    """Pick the order that the phone has been given, and hand it over; returns the pictures on the way."""
    phone.reload()
    steps = []

    def press(name: str) -> None:
        phone.get_by_role("button", name=name, exact=True).first.click()

    def keep(caption: str) -> None:
        phone.wait_for_timeout(300)  # the end of a transition
        steps.append(Step(caption, take(phone)))

    phone.get_by_role("button", name="Accept").wait_for()
    keep("The work of today")
    press("Accept")
    phone.get_by_role("link", name="Run").click()
    press("Start")
    press("Continue")
    phone.get_by_role("heading", name="Shop at").wait_for()
    keep("The list")
    is_first = True
    while phone.locator("main section .lines a").count():
        phone.locator("main section .lines a").first.click()
        more = phone.get_by_role("button", name="One more", exact=True)
        while more.count() and more.is_enabled():
            more.click()
        if phone.get_by_label("Weight").count():
            phone.get_by_label("Weight").fill("1")
        phone.locator("summary").click()
        phone.get_by_label("Last four digits").fill(phone.locator(".code b").inner_text())
        if is_first:
            keep("One product")
            is_first = False
        press("Found")
        if phone.get_by_role("button", name="Yes, keep it").count():
            press("Yes, keep it")
        phone.get_by_role("heading", name="Shop at").wait_for()
    press("Review and pay")
    press("Go to the till")
    phone.get_by_role("button", name="Paid").press("Enter")
    press("+ Dry")
    press("+ Cold")
    keep("The bags")
    press("2 bags, done")
    press("Leave the store")
    phone.get_by_role("button", name="I am at the door").wait_for()
    phone.get_by_role("link", name="Call").wait_for()
    keep("The address, only now")
    press("I am at the door")
    press("Hand over")
    phone.get_by_role("button", name="Handed over").wait_for()
    keep("The proof")
    phone.get_by_role("button", name="Handed over").press("Enter")
    phone.get_by_role("heading", name="Hello").wait_for()
    phone.wait_for_timeout(12_000)  # the ten seconds in which it can be undone
    return steps


def compose(browser: Browser, steps: list[Step], file: Path, columns: int = 3) -> None:
    """Put the steps side by side on a page and take a screenshot."""
    page = browser.new_page(device_scale_factor=1.4 if columns == 3 else 1, viewport={"width": 2400, "height": 1000})
    page.set_content(JOURNEY.format(columns=columns, steps="".join(step.html for step in steps)))
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
