"""A company's name without what its country makes of it: legal forms, articles, dots. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from taskhub.sales.duplicates.letters import words

# As folded words; runs of single letters have become one word ("S. à r. l." is sarl, "Sp. z o.o." is sp zoo).
_FORMS = """
inc | incorporated | corp | corporation | co | company | llc | llp | lp | lllp | pllc | pc | ltd | limited | plc |
cic | cio | dba | pbc | ulc | gmbh | mbh | ggmbh | ag | kg | kgaa | ohg | ug | ug haftungsbeschrankt |
haftungsbeschrankt | ev | eg | gbr | ek | ekfr | partg | partgmbb | sa | sarl | sas | sasu | eurl | sca | scs |
snc | sci | scop | scrl | sprl | bvba | bv | nv | vof | cv | cvba | srl | spa | sapa | srls | scarl | ss | sl |
slu | sau | slne | sll | lda | unipessoal | sgps | oy | oyj | ky | ab | hb | kb | aktiebolag | as | asa | ans |
aps | ivs | amba | ehf | hf | sp zoo | spzoo | spolka zoo | spolka | spj | sro | spol sro | spol | vos | ks |
kft | bt | zrt | nyrt | rt | kkt | doo | dd | jdoo | ad | eood | ood | ead | sia | uab | mb | ou | ltd sti | sti |
anonim sirketi | limited sirketi | sirketi | tic ltd sti | pty | proprietary | pvt | private | pte | opc | bhd |
sdn | sdn bhd | kk | yk | gk | kabushiki kaisha | ooo | oao | zao | pao | ao | tov | pat | ltda | eireli | epp |
mei | de cv | sapi | sab | sa de cv | s de rl de cv | s de rl | sapi de cv | sab de cv | srl de cv | sac | saa |
eirl | saic | saci | pt | tbk | pt tbk | co ltd | jsc | psc | fze | fzco | fz llc | wll | bsc | sae | saog |
saoc | cc | npc | rf | ооо | оао | зао | пао | ао | тов |
株式会社 | 有限会社 | 合同会社 | 有限公司 | 股份有限公司 | 有限责任公司 | 주식회사
"""
FORMS = frozenset(tuple(form.split()) for form in _FORMS.replace("\n", " ").split("|") if form.strip())
_LONGEST = max(map(len, FORMS))
# In front of a name: OOO Romashka, PT Telkom. Others there are a name ("AG Consulting", "Co Creation").
_BEFORE = frozenset(tuple(form.split()) for form in ("ooo", "oao", "zao", "pao", "tov", "pt", "sarl", "ооо", "зао"))
_BETWEEN = frozenset({"and", "und", "et", "the"})
_ASIAN = ("株式会社", "有限会社", "合同会社", "股份有限公司", "有限责任公司", "有限公司", "주식회사")


def company(text: str) -> tuple[str, ...]:
    """The words that name a company, in their order; its legal form only where there is nothing else.

    >>> company("The J. C. Penney Co., Inc."), company("Müller & Söhne GmbH & Co. KG"), company("Yıldız A.Ş.")
    (('jc', 'penney'), ('muller', 'sohne'), ('yildiz',))
    """
    found = _unjoined(words(text))
    while (fewer := _step(found)) != found:
        found = fewer
    return found


def telling(found: Sequence[str]) -> tuple[str, ...]:
    """The words without any that may be a legal form: for a company that stands where a person's name should."""
    return tuple(word for word in found if word not in _BETWEEN and (word,) not in FORMS) or tuple(found)


def _step(found: tuple[str, ...]) -> tuple[str, ...]:
    naming = tuple(word for word in found if word not in _BETWEEN) or found
    return tuple(_without_form(_merged(naming)))


def _merged(found: Sequence[str]) -> list[str]:
    """Neighbouring single letters become one word, as in S.A. or J. C. Penney; digits stay apart."""
    merged: list[str] = []
    letters = ""
    for word in (*found, ""):
        if len(word) == 1 and word.isalpha():
            letters += word
            continue
        merged += [letters] if letters else []
        merged += [word] if word else []
        letters = ""
    return merged


def _without_form(found: list[str]) -> list[str]:
    for length in range(min(_LONGEST, len(found) - 1), 0, -1):
        if tuple(found[-length:]) in FORMS:
            return found[:-length]
        if tuple(found[:length]) in _BEFORE:
            return found[length:]
    return found


def _unjoined(found: Sequence[str]) -> tuple[str, ...]:
    """Chinese, Japanese and Korean write the form without a space."""
    apart: list[str] = []
    for word in found:
        form = next((form for form in _ASIAN if form in word and form != word), None)
        apart += word.replace(form, " ").split() if form else [word]
    return tuple(apart)
