import copy
import pickle
import re

import pytest
from handcart_client import ApiError, ConnectError, ErrorDetail, OAuthError, TransportError, errors


def classes_below(kind: type[ConnectError]) -> set[type[ConnectError]]:
    return {kind}.union(*(classes_below(below) for below in kind.__subclasses__()))


def test_docstring_read_then_it_draws_every_class_and_no_other() -> None:
    drawn = re.findall(r"^ +[│├└─ ]*([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE)
    assert sorted(drawn) == sorted(kind.__name__ for kind in classes_below(ConnectError))


@pytest.mark.parametrize("again", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
@pytest.mark.parametrize(
    "error",
    [
        ApiError("Text", status=400, code=1001, key="k", request_id="r", errors=(ErrorDetail("Text", 1001, "k"),)),
        OAuthError("Text", error="invalid_grant", status=400),
        TransportError("Text", may_have_arrived=False),
    ],
)
def test_error_copied_or_pickled_then_every_fact_is_kept(error: ConnectError, again: object) -> None:
    assert callable(again)
    other = again(error)
    assert type(other) is type(error)
    assert vars(other) == vars(error)
    assert str(other) == str(error)


def test_error_without_facts_then_its_text_is_the_message() -> None:
    assert str(ConnectError("Text")) == "Text"
