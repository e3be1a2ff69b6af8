"""A person's name as it is compared: folded words without titles. Pure."""

from __future__ import annotations

from taskhub.sales.duplicates.letters import words

_TITLES = frozenset(
    "mr mrs ms miss mx dr prof professor sir dame herr frau fr mme mlle monsieur madame mademoiselle sig signor "
    "signora sr sra srta don dona dhr mevr bay bayan shri smt jr phd md mba ing dipl".split()
)


def person(text: str) -> tuple[str, ...]:
    """The words of a name in their order; titles only where there is nothing else.

    >>> person("Dr. Zoë O'Brien"), person("Martin, Jean-Luc")
    (('zoe', 'obrien'), ('martin', 'jean', 'luc'))
    """
    found = words(text)
    return tuple(word for word in found if word not in _TITLES) or found
