"""The pins of the expiry timeline, on numbers."""

from datetime import date, timedelta

from credits.expiry_timeline import expiry_timeline
from credits.forecast import Funds

TODAY = date(2026, 11, 22)
UNIT = 1_000_000


def _lot(amount: int, days: int) -> Funds:
    return Funds(amount * UNIT, TODAY + timedelta(days=days))


def test_pins_stand_in_time_and_their_area_is_the_amount() -> None:
    line = expiry_timeline(
        [_lot(114, 22), _lot(250, 70), _lot(2_000, 346)], today=TODAY, currency="USD"
    )
    assert [pin.text for pin in line.pins] == ["US$114", "US$250", "US$2,000"]
    places = [float(pin.x.rstrip("%")) for pin in line.pins]
    assert places == sorted(places)
    assert [pin.is_soon for pin in line.pins] == [True, False, False]
    assert line.pins[-1].radius == "11.0"
    assert all(float(pin.radius) >= 5 for pin in line.pins)


def test_lots_that_end_on_one_day_share_a_pin() -> None:
    line = expiry_timeline([_lot(10, 100), _lot(5, 100)], today=TODAY, currency="USD")
    assert [pin.text for pin in line.pins] == ["US$15"]


def test_crowded_pins_leave_words_to_the_table() -> None:
    line = expiry_timeline(
        [_lot(10, 100 + n) for n in range(5)], today=TODAY, currency="USD"
    )
    assert len(line.pins) == 5
    assert sum(1 for pin in line.pins if pin.text_y) == 1


def test_a_lot_beyond_the_year_widens_the_line() -> None:
    line = expiry_timeline([_lot(10, 700)], today=TODAY, currency="USD")
    assert float(line.pins[0].x.rstrip("%")) < 98
    assert len(line.ticks) <= 13


def test_used_and_expired_lots_have_no_pin() -> None:
    line = expiry_timeline([_lot(0, 100), _lot(10, -1)], today=TODAY, currency="USD")
    assert line.pins == ()
    assert len(line.ticks) >= 12
