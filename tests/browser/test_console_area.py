"""A store's area drawn on the plan in Chromium, with the mouse and with keys."""

from playwright.sync_api import Page, expect

from handcart.stores import queries
from tests.browser.sample import Sample


def test_area_is_drawn_by_clicks_and_keys_then_saved(desk: Page, sample: Sample) -> None:
    desk.goto(f"/console/stores/{sample.slug}/here/area")
    plan, text = desk.locator("[data-area]"), desk.get_by_label("Points of the border")
    points = desk.locator("[data-place]")
    box = plan.bounding_box()
    assert box
    for right, down in ((0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7)):
        plan.click(position={"x": right * box["width"], "y": down * box["height"]})
    expect(points).to_have_count(4)
    before = text.input_value()
    points.first.focus()
    desk.keyboard.press("ArrowUp")
    assert text.input_value() != before
    desk.keyboard.press("Enter")
    expect(points).to_have_count(5)
    expect(points.nth(1)).to_be_focused()
    desk.keyboard.press("Delete")
    expect(points).to_have_count(4)
    points.nth(2).drag_to(plan, target_position={"x": 0.8 * box["width"], "y": 0.8 * box["height"]})
    expect(points).to_have_count(4)
    desk.get_by_role("button", name="Check").click()
    expect(desk.get_by_role("status")).to_contain_text("If you save")
    desk.get_by_role("button", name="Save the area").click()
    expect(desk.get_by_role("status")).to_contain_text("The area is saved")
    found = sample.server.read(queries.store, sample.market.retailer.id, "here")
    assert len(found.service_area["coordinates"][0]) == 5
