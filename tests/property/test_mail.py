"""An address that no reading would change is not read: the short way and the long one say the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from taskhub.sales.duplicates.mail import _kept, _plain, _read

LETTERS = "abzABZ019._%+'-"
ADDRESSES = st.builds(
    "{}@{}".format, st.text(LETTERS, min_size=1, max_size=70), st.text("abzAZ09.-", min_size=1, max_size=40)
)
KNOWN = st.builds(
    "{}@{}".format, st.text("abAB1.", min_size=1, max_size=12),
    st.sampled_from(["gmail.com", "GoogleMail.com", "x.test", "localhost", "xn--mller-kva.de", "a.b.co.uk", "x.org."]),
)  # fmt: skip


@given(ADDRESSES | KNOWN)
def test_the_short_way_says_what_the_long_one_says(address: str) -> None:
    short = _plain(address)
    if short is None:
        assert "xn--" in address.lower()
    else:
        assert _kept(*short) == _kept(*_read(address))
