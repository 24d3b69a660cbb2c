r"""TeX in titles and abstracts, class by class; what stands beside `$` is in test_text.py, too."""

from __future__ import annotations

import pytest

from newsletter.collector.sources.library import read_library
from newsletter.collector.text.html import readable, safe_html

#: T1 and textcomp, as biber, Zotero and JabRef write them
LETTERS = r"""\ae æ \AE Æ \oe œ \o ø \O Ø \l ł \L Ł \ss ß \aa å \dj đ \DJ Đ \dh ð \DH Ð \th þ \TH Þ \ng ŋ \NG Ŋ \i ı
\ij ĳ \ohorn ơ \UHORN Ư \textschwa ə \cyrzh ж \SS ẞ"""
SIGNS = r"""\textless < \textgreater > \textbar | \textbackslash \ \textbraceleft { \textbraceright } \textasciitilde ~
\textasciicircum ^ \textunderscore _ \textdollar $ \textquotedbl " \textquotesingle ' \textquoteleft ‘ \textquoteright ’
\textquotedblleft “ \textquotedblright ” \quotedblbase „ \guillemotleft « \guillemetright » \guilsinglleft ‹ \glqq „
\textendash – \textemdash — \textellipsis … \textbullet • \textperiodcentered · \textexclamdown ¡ \textquestiondown ¿
\textsection § \textparagraph ¶ \textdagger † \textcopyright © \textregistered ® \texttrademark ™ \textdegree °
\textcelsius ℃ \textmu µ \textohm Ω \texteuro € \textsterling £ \textyen ¥ \textcent ¢ \textwon ₩ \textbaht ฿
\textperthousand ‰ \textnumero № \textonehalf ½ \texttwosuperior ² \textordfeminine ª \textpm ± \texttimes × \textdiv ÷
\textminus − \textlnot ¬ \textsurd √ \textrightarrow → \textlangle ⟨ \textbardbl ‖ \textestimated ℮ \textinterrobang ‽
\ddag ‡ \textasteriskcentered * \textalpha α \textOmega Ω \upmu μ \Upgamma Γ \varkappa ϰ \therefore ∴"""
COMMANDS = f"{LETTERS} {SIGNS}".split()


@pytest.mark.parametrize(("command", "sign"), list(zip(COMMANDS[::2], COMMANDS[1::2], strict=True)))
def test_commands_for_signs_and_letters_are_read(command: str, sign: str) -> None:
    assert readable(f"X{command}{{}}X and {{{command}}}") == f"X{sign}X and {sign}"


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (r"S\o rensen in the Stra\ss e, \OE uvre", "Sørensen in the Straße, Œuvre"),
        (r"\textquoteleft n\textquoteright{} of \textquotedblleft grains\textquotedblright", "‘n’ of “grains”"),
        (r"5 \textmu m at 20 \textdegree C for \pounds 5", "5 µm at 20 °C for £5"),
        (r"for \alpha and \beta, a \to b", "for α and β, a → b"),
        (r"e{\it gf}p of \textsc{nasa}", "egfp of nasa"),
        (r"{\small Print} and \Large Size, \MakeUppercase{nasa}", "Print and Size, nasa"),
        (r"?`Qu\'e? and !`Hola!", "¿Qué? and ¡Hola!"),
        ("a `word' isn't `two'", "a ‘word’ isn't ‘two’"),
        ("O`Neary isn't, nor is `code`", "O`Neary isn't, nor is `code`"),
        (r"a$^\dagger$ and $A^\ddag$", "a† and A‡"),
        (r"\ce{CO2} to \ce{Ca(OH)2}, \sout{or} a\nobreakdash-b", "CO₂ to Ca(OH)₂, or a-b"),
        (r"\foreignlanguage{french}{la vie} \phantom{x}and more", "la vie and more"),
        (r"\mystery{words} and \tnti stay", "mystery words and tnti stay"),
    ],
)
def test_the_blank_after_a_command_of_prose_belongs_to_it(raw: str, wanted: str) -> None:
    assert readable(raw) == wanted


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (r"Nguy{\~{\^e}}n", "Nguyễn"),
        (r"Tr{\'\^a}n, Tr\^{\'a}n", "Trấn, Trấn"),
        (r"\d{\^o} \d\^o \h{\^e} \h{a} {\'{\u{a}}}", "ộ ộ ể ả ắ"),
        (r"\'\ohorn{} \'{\"u} \v{\"u} \={\"u}", "ớ ǘ ǚ ǖ"),
        (r"\'{\ae} \'{\o} \c{\'c}", "ǽ ǿ ḉ"),
        (r"Mart{\'{\i}}nez, Mart\'\i nez, \={\i}", "Martínez, Martínez, ī"),
        (r"\'{\^{\~{e}}}x", "ễ́x"),
        (r"\textcommabelow{s}i \c{S}ahin", "și Şahin"),
        (r"\'{} \^{}", "' ^"),
    ],
)
def test_a_letter_may_bear_several_accents(raw: str, wanted: str) -> None:
    assert readable(raw) == wanted


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (r"the $ \alpha $ and $ x_i $ terms", "the α and xᵢ terms"),
        (r"$\mathcal{H}_\infty $ control, $ n^2$ steps", "ℋ_∞ control, n² steps"),
        (r"a 10$ \mu $m line, H$ _2 $O, the $ x $ axis, $ n > 5 $", "a 10μm line, H₂O, the x axis, n > 5"),
        (r"\( x_i \), \[ y^2 \] and $$ z^2 $$", "xᵢ, y² and z²"),
        (r"they paid $ 5 and later x_i or $ 6", "they paid $ 5 and later xᵢ or $ 6"),
        ("costs 5 $ and 6 $ more, 5 $ - 6 $; 7 $", "costs 5 $ and 6 $ more, 5 $ - 6 $; 7 $"),
    ],
)
def test_blanks_inside_the_dollars_change_nothing(raw: str, wanted: str) -> None:
    assert readable(raw) == wanted


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("z$>$6, S/N$>$5, p$<$0.05, $\\sim$10, $>$ 5", "z>6, S/N>5, p<0.05, ∼10, > 5"),
        ("$-$0.5, $+$3, 1$-$5 keV, 3$/$4, 5$:$1, 2$\\times$3", "-0.5, +3, 1-5 keV, 3/4, 5:1, 2×3"),
        ("$=$5, $|$5, 0$.$5, 5$,$000, $k$5", "=5, |5, 0.5, 5,000, k5"),
        ("grants of $5 and $10 million", "grants of $5 and $10 million"),
        (
            "$5 to $10, US$5-US$10, $5-$10, $5/$10, $5,000–$6,000",
            "$5 to $10, US$5-US$10, $5-$10, $5/$10, $5,000–$6,000",
        ),
        ("$3 and $x_i$ units of $4", "$3 and xᵢ units of $4"),
        ("between $5$ and $10$", "between 5 and 10"),
    ],
)
def test_signs_alone_are_math_and_prices_are_not(raw: str, wanted: str) -> None:
    assert readable(raw) == wanted


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (r"The {$\alpha$}-element {$\Lambda$CDM} {{$\Omega$}}", "The α-element ΛCDM Ω"),
        (r"{$\sqrt{s}$} = 5, {H$_2$O}, {$p$}-values, {$n=5$}", "√s = 5, H₂O, p-values, n=5"),
        (r"\emph{the $k$-core} {\bf strong $x$ claim} \textbf{$p$}", "the k-core strong x claim p"),
        (r"\mbox{$x$} \ensuremath{\alpha_i} \mystery{a $x_i$ b}", "x αᵢ mystery a xᵢ b"),
        (r"\texorpdfstring{$\beta$}{beta}-decay", "β-decay"),
        (r"\href{https://x.org/a}{the $k$-core}", "the k-core (https://x.org/a)"),
        (r"$x \text{ if $y$}$ and $z$", "x if y and z"),
        (r"Fig.~$x$, 5~$\mu$m, ~$10^5$", "Fig. x, 5 μm, ~10⁵"),
        (r"{\em i.e.,} an \enquote{item} in {\bf a, b}", "i.e., an “item” in a, b"),
        ("{a $5 note} and {a $6 note}", "a $5 note and a $6 note"),
    ],
)
def test_math_in_groups_and_groups_in_math_leave_no_brace(raw: str, wanted: str) -> None:
    assert readable(raw) == wanted


def test_math_in_a_command_keeps_its_marks() -> None:
    assert safe_html(r"\emph{the $x_i$}") == "<i>the x<sub>i</sub></i>"


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("A map of {Salem, Oregon} and its plain", "A map of Salem, Oregon and its plain"),
        ("{A {Salem, {Oregon}} and {\\bf b, c}}", "A Salem, Oregon and b, c"),
        (r"\textbf{x, y}, \frac{a, b}{c, d}, $x_{i, j}$", "x, y, (a, b)/(c, d), x_(i, j)"),
        (r"sets \{0, 1\} and {0, 1}", "sets {0, 1} and 0, 1"),
        ("The core of {NGC~4258}, a~b, Table~2", "The core of NGC 4258, a b, Table 2"),
        (r"~10 of Mu\~noz at https://x.org/~ada", "~10 of Muñoz at https://x.org/~ada"),
        ("{" * 100 + "a, b" + "}" * 100, None),
    ],
)
def test_braces_and_ties_of_bibtex_are_not_printed(raw: str, wanted: str | None) -> None:
    (entry,) = read_library(f"@article{{k, title = {{{raw}}}}}".encode(), "refs.bib").entries

    assert readable(entry.title) == wanted or (wanted is None and "a, b" in readable(entry.title))


def test_a_feed_keeps_sets_and_about() -> None:
    assert readable("labels in {0, 1}, 10X~20X, ~2x") == "labels in {0, 1}, 10X~20X, ~2x"
