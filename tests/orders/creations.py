"""Shared by the tests of new orders: requests and named refusals."""

HOLD = "service_option_hold_id"
BLANK, INVALID = "can't be blank", "is invalid"
FULL = ("Service option is not available", 1001, HOLD)
DUPLICATE = ("Duplicate items were provided", 2000, "items")
INVALID_ITEMS = ("Invalid items", 2000, "items")
UNITS = ("Maximum total quantity of items exceeded", 2000, "items")
BLANK_BIRTHDAY, WRONG_BIRTHDAY = (BLANK, 1001, "user.birthday"), (INVALID, 1001, "user.birthday")
