"""A wait is shown in minutes or in hours."""

from handcart.sign_in import forms


def test_wait_is_over_two_hours_then_in_hours() -> None:
    assert forms.wait(7200) == {"wait_minutes": 120, "wait_hours": 0}
    assert forms.wait(7201) == {"wait_minutes": 121, "wait_hours": 3}
