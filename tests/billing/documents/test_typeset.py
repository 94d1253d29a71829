"""Two scripts on one page: the right encoding, the right fonts, the same bytes."""

import base64
import re
import zlib

import pytest
from django.utils.translation import override

from billing.documents.layout import Column, Party, Row, Sheet
from billing.documents.typeset import break_lines, printable, register_fonts, width_of


def sheet(rows: int = 3) -> Sheet:
    made = Sheet("帳單", "INV-2026-0001", "福爾摩沙電信", "統一編號 24536806")
    made.parties(Party("From", "福爾摩沙電信"), Party("To", "Łódź 𠮷野家", ["台北市"]))
    made.facts([("Issued on", "4 November 2026"), ("Due on", "")])
    table = [Row([f"Japan {n}", "−NT$1,234"], note="客服中心") for n in range(rows)]
    made.table([Column("Item", 3), Column("Amount", is_amount=True)], table)
    made.totals([("Net", "NT$1"), ("Total", "NT$1")])
    made.note("Bank of Taiwan", "How to pay")
    return made


def content_of(pdf: bytes) -> bytes:
    """The drawing of every page, unpacked: the library packs twice."""
    pages = re.findall(rb"stream\r?\n(.*?)~>endstream", pdf, re.DOTALL)
    return b"".join(zlib.decompress(base64.a85decode(page)) for page in pages)


def test_chinese_is_written_in_the_traditional_encoding() -> None:
    """The library's own choice is Simplified: one reader in two shows other letters."""
    pdf = sheet().render()
    assert b"/UniCNS-UCS2-H" in pdf
    assert b"/UniGB" not in pdf
    assert b"/MSung-Light" in pdf
    assert b"/Helvetica" in pdf


def test_same_words_same_bytes() -> None:
    assert sheet().render() == sheet().render()


def test_latin_and_amounts_stand_in_helvetica() -> None:
    drawn = content_of(sheet().render())
    assert b"(-NT$1,234) Tj" in drawn
    assert b"(L\\363dz ) Tj" in drawn  # and what follows stands in the other font


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        ("−US$3.18", "-US$3.18"),
        ("≈ 4", "約 4"),
        ("～", "~"),
        ("₩", "KRW"),
        ("a\u00a0b", "a b"),
        ("𠮷野家", "〓野家"),
        ("Łódź Dvořák", "Lódz Dvorák"),
        ("€ £ é", "€ £ é"),
        ("a\x07b", "ab"),
    ],
)
def test_what_the_fonts_do_not_have_is_replaced(given: str, printed: str) -> None:
    assert printable(given) == printed


def test_lines_break_between_words_and_between_chinese_letters() -> None:
    register_fonts()
    text = "Calls to 日本東京都千代田區 and to the United Kingdom"
    lines = break_lines(text, 9, 90)
    assert len(lines) > 1
    assert all(width_of(line, 9) <= 90 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert break_lines("one\n\ntwo", 9, 90) == ["one", "", "two"]


def test_a_long_table_goes_on_under_its_heading() -> None:
    drawn = content_of(sheet(rows=90).render())
    assert drawn.count(b"(Amount) Tj") >= 3
    with override("en"):
        pages = content_of(sheet(rows=90).render())
    assert b"(Page 3 of " in pages
