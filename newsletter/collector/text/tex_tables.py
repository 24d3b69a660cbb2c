"""The macros of TeX that titles and abstracts use: signs, accents, styles, alphabets, and what is left out."""

from __future__ import annotations

from newsletter.collector.text.marks import BOLD, ITALIC, SUB, SUP

_GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon"
_GREEK += " phi chi psi omega"
GREEK = dict(
    zip(
        _GREEK.split(),
        "αβγδεζηθικλμνξοπρστυφχψω",
        strict=True,
    )
)
_PAIRS = r"""
cdot · times × div ÷ pm ± mp ∓ leq ≤ le ≤ leqslant ≤ geq ≥ ge ≥ geqslant ≥ neq ≠ ne ≠ approx ≈ sim ∼ simeq ≃ cong ≅
equiv ≡ propto ∝ ll ≪ gg ≫ lesssim ≲ gtrsim ≳ prec ≺ succ ≻ in ∈ notin ∉ ni ∋ subset ⊂ subseteq ⊆ supset ⊃ supseteq ⊇
cup ∪ cap ∩ bigcup ⋃ bigcap ⋂ setminus ∖ emptyset ∅ varnothing ∅ forall ∀ exists ∃ neg ¬ land ∧ wedge ∧ lor ∨ vee ∨
to → rightarrow → longrightarrow → leftarrow ← leftrightarrow ↔ Rightarrow ⇒ Leftarrow ⇐ Leftrightarrow ⇔ iff ⇔
implies ⇒ mapsto ↦ hookrightarrow ↪ uparrow ↑ downarrow ↓ infty ∞ partial ∂ nabla ∇ sum ∑ prod ∏ int ∫ oint ∮ iint ∬
odot ⊙ oplus ⊕ otimes ⊗ ominus ⊖ circ ∘ bullet • ast ∗ star ⋆ dagger † ddagger ‡ perp ⊥ parallel ∥ mid ∣ angle ∠
triangle △ square □ Box □ langle ⟨ rangle ⟩ lceil ⌈ rceil ⌉ lfloor ⌊ rfloor ⌋ Vert ‖ lVert ‖ rVert ‖ | ‖ vert | lvert |
rvert | ell ℓ hbar ℏ aleph ℵ top ⊤ bot ⊥ vdash ⊢ models ⊨ dots … ldots … cdots ⋯ vdots ⋮ ddots ⋱ prime ′
degree ° textdegree ° S § P ¶ copyright © pounds £ euro € ss ß ae æ AE Æ oe œ OE Œ o ø O Ø l ł L Ł aa å AA Å i ı j ȷ
dh ð th þ micro µ textmu µ textasciitilde ~ textasciicircum ^ textbackslash \ backslash \ textunderscore _ textendash –
textemdash — textregistered ® texttrademark ™ checkmark ✓ lbrace { rbrace } varepsilon ε vartheta ϑ varphi φ varpi ϖ
varrho ϱ varsigma ς lq ‘ rq ’ SS ẞ textdollar $ textless < textgreater > textbar | textbardbl ‖ textbraceleft {
textbraceright } textquotedbl " textminus − textsurd √ textdied † textborn ∗ textmarried ⚭ textdivorced ⚮ textesh ʃ
textcopyleft 🄯 textguarani ₲ textpilcrow ¶ textlbrackdbl ⟦ textrbrackdbl ⟧ textlquill ⁅ textrquill ⁆ textlangle ⟨
textrangle ⟩ textperiodcentered · texttildelow ~ textasciitilde ~ textgravedbl ˵ textacutedbl ˝ textquotesingle '
textdblhyphen ⹀ textbigcircle ◯ textohm Ω textcelsius ℃ texttwelveudash — textthreequartersemdash — textleaf ❧
guillemetleft « guillemetright » glqq „ grqq “ glq ‚ grq ‘ flqq « frqq » flq ‹ frq › ohorn ơ OHORN Ơ uhorn ư UHORN Ư
abreve ă ABREVE Ă acircumflex â ACIRCUMFLEX Â ecircumflex ê ECIRCUMFLEX Ê ocircumflex ô OCIRCUMFLEX Ô
textquotestraightbase ‚ textquotestraightdblbase „
slash / dj đ DJ Đ DH Ð TH Þ ng ŋ NG Ŋ textquoteleft ‘ textquoteright ’ textquotedblleft “
textquotedblright ” quotesinglbase ‚ quotedblbase „ guillemotleft « guillemotright » guilsinglleft ‹ guilsinglright ›
textellipsis … textbullet • texteuro € textsterling £ textyen ¥ textcent ¢ textsection § textparagraph ¶ textcopyright ©
dag † ddag ‡ textasteriskcentered *
texttimes × textdiv ÷ textpm ± % % & & # # $ $ _ _ { { } } ( ( ) ) [ [ ] ]
"""
_SPACES = r"""\ , ; : > quad qquad space newline linebreak par item hfill enspace thinspace noindent nobreakspace"""
#: letters, and what stands before a word, in prose only
_PROSE = """ss ae AE oe OE o O l L aa AA i j dh DH th TH dj DJ ng NG SS lq textquoteleft textquotedblleft quotesinglbase
quotedblbase guillemotleft guillemetleft guilsinglleft glqq glq flqq flq ohorn OHORN uhorn UHORN abreve ABREVE
acircumflex ACIRCUMFLEX ecircumflex ECIRCUMFLEX ocircumflex OCIRCUMFLEX textmu micro textdegree textbar textendash
texteuro textsterling pounds textdollar textless textgreater textsection S textbraceleft textquotesingle"""
_SILENT = """! - / @ left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr displaystyle textstyle
scriptstyle limits nolimits rm bf it sf tt sc cal boldmath unboldmath protect xspace centering
allowbreak textcompwordmark nolinebreak hyp relax selectfont normalfont upshape itshape bfseries mdseries scshape
slshape ttfamily sffamily rmfamily em
tiny scriptsize footnotesize small normalsize large Large LARGE huge Huge ignorespaces nobreakdash"""
SYMBOLS = (
    GREEK
    | {name.capitalize(): letter.upper() for name, letter in GREEK.items()}
    | {f"text{name}": letter for name, letter in GREEK.items()}
    | {f"up{name}": letter for name, letter in GREEK.items()}
    | {f"text{name.capitalize()}": letter.upper() for name, letter in GREEK.items()}
    | {f"Up{name}": letter.upper() for name, letter in GREEK.items()}
    | dict(zip(_PAIRS.split()[::2], _PAIRS.split()[1::2], strict=True))
    | dict.fromkeys([*_SPACES.split(), " "], " ")
    | dict.fromkeys(_SILENT.split(), "")
)
#: signs whose name takes the blank after it along where it stands in prose
PROSE = frozenset(_PROSE.split()) | frozenset(_SILENT.split()) - {*"!-/@", "xspace", "right"}
MARKS = dict(
    zip(
        "\"'`^~=.uvHckrdbhft",
        "\u0308\u0301\u0300\u0302\u0303\u0304\u0307\u0306\u030c\u030b\u0327\u0328\u030a\u0323\u0331\u0309\u0311\u0361",
        strict=True,
    )
)
_HATS = "hat widehat tilde widetilde bar overline vec dot ddot acute grave breve check mathring textcommabelow"
_HATS += " textdotbelow textogonekcentered"
HATS = dict(
    zip(
        _HATS.split(),
        "\u0302\u0302\u0303\u0303\u0304\u0304\u20d7\u0307\u0308\u0301\u0300\u0306\u030c\u030a\u0326\u0323\u0328",
        strict=True,
    )
)
STYLES = {"emph": ITALIC, "textit": ITALIC, "textsl": ITALIC, "textbf": BOLD}
STYLES |= {"textsuperscript": SUP, "textsubscript": SUB}
WRAPPERS = """texttt textrm textsc textsf textup textnormal textmd text mathrm mathbf mathit
mathsf mathtt mathnormal mathop mathbin mathrel operatorname mbox hbox fbox bm boldsymbol pmb underline uline
underbrace overbrace sout uwave textcircled lowercase uppercase MakeLowercase MakeUppercase num unit si centerline"""
DROPPED = "begin end hspace vspace label color vskip hskip"  #: with their argument, which is no text
DROPPED += " phantom hphantom vphantom selectlanguage"
CITED = "cite citep citet citealp citeauthor citeyear ref eqref autoref cref Cref"
ALPHABETS = dict.fromkeys(("mathbb", "mathds", "Bbb"), "DOUBLE-STRUCK") | {"mathfrak": "FRAKTUR"}
ALPHABETS |= dict.fromkeys(("mathcal", "mathscr"), "SCRIPT")
SIGNS = {"∘": "°", "°": "°", "′": "′", "′′": "″", "″": "″"}  #: raised as they are
