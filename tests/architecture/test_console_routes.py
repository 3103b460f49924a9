"""Each route of the console has an example, by which roles, places and form tokens are tested."""

from handcart.staff.roles import OPERATIONS
from tests.support.console_routes import EXAMPLES, ROUTES_OF_PEOPLE, SUBJECTS, key


def test_route_of_the_console_then_it_has_an_example() -> None:
    routes = {key(route.method, route.path) for route in ROUTES_OF_PEOPLE}
    assert routes - EXAMPLES.keys() == set(), "add a line for each to EXAMPLES in tests/support/console_routes.py"
    assert EXAMPLES.keys() - routes == set(), "remove these lines: there is no such route"


def test_example_then_its_operation_subject_and_token_exist() -> None:
    wrong = [
        name
        for name, example in EXAMPLES.items()
        if example.operation not in (None, *OPERATIONS)
        or example.subject not in ("", *SUBJECTS)
        or name.startswith("POST") != bool(example.token)
    ]
    assert not wrong
