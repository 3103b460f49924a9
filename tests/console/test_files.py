"""Lists as CSV files."""

from handcart.console import files


def test_cell_begins_like_a_formula_then_a_spreadsheet_does_not_run_it() -> None:
    reply = files.csv("shoppers.csv", ("name", "orders"), [("=1+1", 2), ("Ada", 3)])
    assert reply.body.decode().splitlines() == ['"name","orders"', '"\'=1+1","2"', '"Ada","3"']
    assert dict(reply.headers)[b"content-disposition"] == b'attachment; filename="shoppers.csv"'


def test_cell_has_many_quotes_then_it_is_written_in_one_pass() -> None:
    quotes = '"' * 1_000_000  # with each quote compared with all later ones, this would take an hour
    body = files.csv("items.csv", ("name",), [(f"a{quotes}",), (f"a{quotes}=1",), ("a,\n",)]).body.decode()
    assert [line[:2].count("'") + line.count("'") for line in body.splitlines()[:3]] == [0, 0, 1]
    assert "a,'" in body
