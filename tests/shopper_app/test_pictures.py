"""A shopper's phone sends pictures: before or after the act, twice, wrong ones, and too many."""

import io
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import msgspec
import pytest
from PIL import Image

from handcart.core.ratelimit import Limit
from handcart.pictures import queries
from handcart.pictures.models import subject_of_act
from handcart.shopper_app import pictures
from tests.support.acting import Acting
from tests.support.contents import mentions, nothing_written
from tests.support.orders import USERS, Market
from tests.support.pictures import drawn, file, huge_png, with_place
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer, on_sqlite
from tests.support.shoppers import Phone, refusal
from tests.support.working import Working


@pytest.fixture
def phone(server: LiveServer) -> Phone:
    return Phone(server)


def new_act() -> str:
    return str(uuid.uuid4())


def put(phone: Phone, act_id: str, content: bytes, **headers: str) -> httpx.Response:
    return phone.put(f"pictures/{act_id}", content, headers={"Content-Type": "image/jpeg", **headers})


def kept(phone: Phone, act_id: str) -> bytes:
    """The stored picture of an act; empty if there is none."""
    picture = phone.server.read(queries.of_subject, subject_of_act(phone.person.id, act_id))
    return b"" if picture is None else bytes(phone.server.read(queries.jpeg, picture))


def test_picture_is_sent_twice_then_it_is_stored_once_without_its_place(phone: Phone) -> None:
    act_id, sent = new_act(), with_place(6)
    first = put(phone, act_id, sent)
    assert (first.status_code, first.json()) == (201, {"act_id": act_id})
    picture = Image.open(io.BytesIO(kept(phone, act_id)))
    assert (picture.size, dict(picture.getexif())) == ((300, 400), {})
    with nothing_written(phone.server):
        again = put(phone, act_id, sent)
    assert (again.status_code, again.json()) == (200, {"act_id": act_id})


def test_other_picture_for_the_same_act_then_the_first_one_stays(phone: Phone) -> None:
    act_id = new_act()
    put(phone, act_id, file())
    first = kept(phone, act_id)
    with nothing_written(phone.server):
        assert refusal(put(phone, act_id, file("PNG"))) == (409, "has_picture")
    assert kept(phone, act_id) == first


def test_other_shopper_uses_the_same_act_id_then_each_has_its_own(phone: Phone) -> None:
    other, act_id = Phone(phone.server), new_act()
    assert put(phone, act_id, file()).status_code == 201
    first = kept(phone, act_id)
    assert put(other, act_id, file("PNG", drawn(64, 64))).status_code == 201
    assert kept(phone, act_id) == first
    assert Image.open(io.BytesIO(kept(other, act_id))).size == (64, 64)


def test_customer_is_deleted_then_acts_and_late_pictures_have_nothing(server: LiveServer) -> None:
    market = Market(server)
    user_id, name = market.customer(), f"Name{new_act()}"
    acting = Acting(Working(server), market, market.order(user_id=user_id)["id"], workflow_state="brand_new")
    Shopping(market).reach(acting.batch_id, "delivering")
    fields = {"order": acting.order_ids[0], "how": "handed_over", "received_by": name, "pin": "0188"}
    act = acting.act("deliver", **fields)
    assert acting.send(act)[0]["outcome"] == "applied"
    assert mentions(server, name)
    assert market.post(f"{USERS}/{user_id}/privacy_request").json() == {"success": True}
    (row,) = server.sql("SELECT body FROM acts WHERE id = $1", act["id"])
    assert msgspec.json.decode(row["body"]) == {"order": acting.order_ids[0], "how": "handed_over"}
    assert mentions(server, name) == []
    with nothing_written(server):
        assert refusal(put(acting.working.phone, act["id"], file())) == (410, "forgotten")
        assert acting.send(act)[0]["outcome"] == "same"


def test_picture_comes_twice_at_once_then_it_is_stored_once(phone: Phone) -> None:
    act_id, other_id, sent = new_act(), new_act(), file()
    with ThreadPoolExecutor(2) as at_once:
        answers = list(at_once.map(lambda _: put(phone, act_id, sent).status_code, range(2)))
        others = list(at_once.map(lambda one: put(phone, other_id, file(quality=one)).status_code, (60, 70)))
    assert sorted(answers) == [200, 201]
    assert sorted(others) == [201, 409]


REFUSED = {
    "not_a_picture": (b"", b"<html>", file("GIF"), file()[:500], b"PK\x03\x04" + file()),
    "too_many_pixels": (huge_png(50_000),),
    "too_small": (file("PNG", drawn(1, 1)),),
    "is_animated": (file("WEBP", save_all=True, append_images=[drawn().rotate(180)]),),
}


@on_sqlite
def test_file_is_no_picture_then_it_is_refused_by_its_content(phone: Phone) -> None:
    for reason, files in REFUSED.items():
        for sent in files:
            with nothing_written(phone.server):
                assert refusal(put(phone, new_act(), sent)) == (422, reason), sent[:20]
    assert put(phone, new_act(), file("WEBP"), **{"Content-Type": "text/html"}).status_code == 201


@on_sqlite
def test_file_is_longer_than_4_mib_then_it_is_refused(phone: Phone) -> None:
    with nothing_written(phone.server):
        for size in (pictures.MOST_BYTES + 1, 30 << 20):
            assert refusal(put(phone, new_act(), b"\xff" * size)) == (413, "too_large")
            streamed = phone.http.put(f"/shopper/api/pictures/{new_act()}", content=iter([b"\xff" * size]))
            assert refusal(streamed) == (413, "too_large")
    longest = file() + b"\0" * (pictures.MOST_BYTES - len(file()))
    assert put(phone, new_act(), longest).status_code == 201


@on_sqlite
def test_id_is_malformed_or_the_body_compressed_then_it_is_refused(phone: Phone) -> None:
    with nothing_written(phone.server):
        for act_id in ("short", "x" * 65, "act..id-with-dots", "act%2Fid-with-slash", "ünïcödé-id"):
            assert refusal(put(phone, act_id, file())) == (404, "not_found"), act_id
        assert refusal(put(phone, new_act(), file(), **{"Content-Encoding": "gzip"})) == (415, "invalid")


@on_sqlite
def test_page_of_another_site_sends_a_picture_then_it_is_refused(phone: Phone) -> None:
    with nothing_written(phone.server):
        for header in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            assert refusal(put(phone, new_act(), file(), **header))[0] == 403


@on_sqlite
def test_phone_is_signed_out_then_no_picture_is_read(phone: Phone) -> None:
    nobody = phone.server.http()
    answer = nobody.put(f"/shopper/api/pictures/{new_act()}", content=file())
    assert refusal(answer) == (401, "signed_out")


@on_sqlite
def test_device_sends_too_many_in_a_day_then_it_waits(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_A_DAY", Limit(2, 86_400))
    first = new_act()
    for act_id in (first, new_act()):
        assert put(phone, act_id, file()).status_code == 201
    answer = put(phone, new_act(), file())
    assert refusal(answer) == (429, "too_many_requests")
    assert int(answer.headers["retry-after"]) > 0
    assert put(phone, first, file()).status_code == 200  # it is there already
    assert put(Phone(phone.server, phone.person), new_act(), file()).status_code == 201  # another device
