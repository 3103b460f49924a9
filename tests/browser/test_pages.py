"""Every page in real Chromium: no console messages, phone, keyboard, screen reader."""

from collections.abc import Callable

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.tour import every_page
from tests.support.browser import Demo, Visit

Open = Callable[..., Visit]

MOST_TABS = 40
PHONE: ViewportSize = {"width": 320, "height": 700}  # the narrowest there are
DESK: ViewportSize = {"width": 1280, "height": 720}
# The rules that are broken, with the elements.
VIOLATIONS = """async options => {
    const { violations } = await axe.run({ resultTypes: ["violations"], ...options });
    return violations.map(rule => [rule.id, rule.nodes.map(node => node.html)]);
}"""
OF_COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}  # no other can tell light from dark
# What a screen reader says of an element, near enough: its label, or else its text.
NAME_OF = """element => {
    const ids = element.getAttribute("aria-labelledby")?.split(" ") ?? [];
    const labels = ids.length ? ids.map(id => document.getElementById(id)) : [...(element.labels ?? [])];
    return (labels.map(label => label.innerText).join(" ") || element.innerText || "").trim();
}"""


def failed_loads(visit: Visit) -> int:
    """Remove expected refusals from the problems; returns their number."""
    before = len(visit.problems)
    visit.problems = [problem for problem in visit.problems if "responded with a status of 4" not in problem]
    return before - len(visit.problems)


def focused(page: Page) -> str:
    name: str = page.evaluate(f"({NAME_OF})(document.activeElement)")
    return name


def tab_to(visit: Visit, name: str) -> list[str]:
    """Press Tab until `name` has the focus; returns the elements focused on the way. Each must show its focus."""
    passed = []
    for _ in range(MOST_TABS):
        visit.page.keyboard.press("Tab")
        passed.append(focused(visit.page))
        style = visit.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert style != "none", f"nobody sees that {passed[-1]!r} has the focus"
        if passed[-1] == name:
            return passed
    raise AssertionError(f"no {name!r} among {passed}")


def fits(page: Page, width: int, name: str) -> None:
    """Nothing to scroll sideways, and every button can be hit (WCAG 1.4.10 and 2.5.8)."""
    page.wait_for_load_state()  # without its style sheet a page is wider
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width, f"{name}: {wide} px"
    buttons = page.locator("main button:visible")
    heights = buttons.evaluate_all("buttons => buttons.map(button => button.getBoundingClientRect().height)")
    assert all(height >= 24 for height in heights), name


def named(page: Page, name: str) -> None:
    """One heading, the landmarks, and a name for everything that can be used."""
    assert page.locator("h1").count() == 1, name
    assert page.locator("main").count() == page.locator("header").count() == 1, name
    usable = page.locator("input:not([type=hidden]):visible, select:visible, a:visible, button:visible")
    assert all(usable.evaluate_all(f"elements => elements.map({NAME_OF})")), name


def test_reference_then_accessible_and_the_keyboard_finds_an_operation(visit: Open, demo: Demo) -> None:
    reader = visit()
    for path in ("/reference", "/reference/create_order_delivery"):
        reader.page.goto(demo.api_url + path)
        named(reader.page, path)
        reader.page.evaluate(AXE_SCRIPT)
        for scheme in ("light", "dark"):
            reader.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            assert reader.page.evaluate(VIOLATIONS, {}) == []
        for width in (320, 1100):
            reader.page.set_viewport_size({"width": width, "height": 800})
            fits(reader.page, width, path)
    reader.page.goto(f"{demo.api_url}/reference")
    tab_to(reader, "Search operations, fields and errors")
    reader.page.keyboard.type("reserve a time slot")
    press_enter(reader)
    tab_to(reader, "Reserve a time slot")
    press_enter(reader)
    assert reader.page.locator("h1").inner_text() == "Reserve a time slot"


def press_enter(visit: Visit) -> None:
    with visit.page.expect_navigation():
        visit.page.keyboard.press("Enter")


def test_page_with_faults_then_axe_finds_them(visit: Open) -> None:
    # Else the test above proves nothing.
    customer = visit()
    customer.page.set_content("<img src=''><input><p style='color:#ccc;background:#fff'>hardly to be read</p>")
    customer.page.evaluate(AXE_SCRIPT)
    rules = {rule for rule, _ in customer.page.evaluate(VIOLATIONS, {})}
    assert {"image-alt", "label", "color-contrast", "html-has-lang", "document-title"} <= rules
    assert [rule for rule, _ in customer.page.evaluate(VIOLATIONS, OF_COLOURS)] == ["color-contrast"]


def test_every_page_in_french_then_fits_a_phone_and_axe_finds_nothing(visit: Open, demo: Demo) -> None:
    customer = visit(viewport=PHONE, has_touch=True, is_mobile=True, locale="fr-CA", reduced_motion="reduce")
    titles, found = set(), {}
    for name in every_page(customer):
        fits(customer.page, PHONE["width"], name)
        customer.page.set_viewport_size(DESK)
        is_shop = customer.page.url.startswith(demo.storefront_url)
        assert customer.page.locator("html").get_attribute("lang") == ("en-US" if is_shop else "fr-CA"), name
        named(customer.page, name)
        titles.add(customer.page.title())
        customer.page.evaluate(AXE_SCRIPT)
        customer.page.emulate_media(color_scheme="light")
        found[name, "light"] = customer.page.evaluate(VIOLATIONS, {})
        customer.page.emulate_media(color_scheme="dark")
        found[name, "dark"] = customer.page.evaluate(VIOLATIONS, OF_COLOURS)
        customer.page.set_viewport_size(PHONE)
    assert len(titles) >= 10
    assert all(titles)
    assert {page: rules for page, rules in found.items() if rules} == {}
    assert len(found) == 2 * 35
    assert failed_loads(customer) == 5


def test_keyboard_alone_then_the_whole_journey(visit: Open, demo: Demo) -> None:
    customer = visit()
    page, keyboard = customer.page, customer.page.keyboard
    page.goto(f"{demo.storefront_url}/account")
    assert tab_to(customer, "Continue as Customer one")[0] == "Skip to content"
    press_enter(customer)
    tab_to(customer, "Link Handcart account")
    press_enter(customer)

    assert tab_to(customer, "Email") == ["Skip to content", "Email"]
    keyboard.type(demo.member["email"])
    assert tab_to(customer, "Log in") == ["Password", "Log in"]
    keyboard.press("Shift+Tab")
    keyboard.type(demo.member["password"])
    press_enter(customer)

    assert customer.heading == "Authorization Required"
    order = tab_to(customer, "Deny")
    assert order == ["Skip to content", "account page", "Allow", "Deny"]
    keyboard.press("Shift+Tab")
    assert focused(page) == "Allow"
    press_enter(customer)
    page.wait_for_url(f"{demo.storefront_url}/account")
    assert customer.notice == "Your Handcart account is linked. Welcome!"

    customer.to_account()
    tab_to(customer, "Unlink Sample Market")
    press_enter(customer)
    tab_to(customer, "Unlink")
    press_enter(customer)
    assert customer.notice == "The retailer is unlinked. Your membership no longer applies there."


def test_skip_link_then_the_focus_is_in_the_content(visit: Open, demo: Demo) -> None:
    customer = visit()
    for url in (demo.storefront_url, f"{demo.api_url}/account/sign-in"):
        customer.page.goto(url)
        customer.page.keyboard.press("Tab")
        assert focused(customer.page) == "Skip to content"
        customer.page.keyboard.press("Enter")
        expect(customer.page.locator("main")).to_be_focused()


def test_policy_is_violated_then_the_visit_has_a_problem(visit: Open, demo: Demo) -> None:
    # Else a quiet console proves nothing.
    customer = visit()
    for url in (f"{demo.api_url}/account/sign-in", f"{demo.storefront_url}/sign-in"):
        customer.page.goto(url)
        customer.page.evaluate("""() => {
            const script = document.createElement("script");
            script.textContent = "document.title = 'violated'";
            document.body.append(script);
            const image = new Image();
            image.src = "https://evil.example/x.png";
            document.body.append(image);
        }""")
        for _ in range(600):
            violations = [problem for problem in customer.problems if "Content Security Policy" in problem]
            if len(violations) == 2:
                break
            customer.page.wait_for_timeout(50)
        assert len(violations) == 2
        assert customer.page.title() != "violated"
        customer.problems.clear()
