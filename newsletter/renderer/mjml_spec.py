"""What MJML 4 allows, and what of it we know to work: tags, where each may stand, attributes and their values.

The tables are our own, after MJML 4's documentation; mjml-python checks nothing of this by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Rule = Callable[[str], str]  #: what is wrong with the value of an attribute, or ""

_NAMES = (
    "aliceblue antiquewhite aqua aquamarine azure beige bisque black blanchedalmond blue blueviolet brown burlywood "
    "cadetblue chartreuse chocolate coral cornflowerblue cornsilk crimson currentcolor cyan darkblue darkcyan "
    "darkgoldenrod darkgray darkgreen darkgrey darkkhaki darkmagenta darkolivegreen darkorange darkorchid darkred "
    "darksalmon darkseagreen darkslateblue darkslategray darkslategrey darkturquoise darkviolet deeppink deepskyblue "
    "dimgray dimgrey dodgerblue firebrick floralwhite forestgreen fuchsia gainsboro ghostwhite gold goldenrod gray "
    "green greenyellow grey honeydew hotpink indianred indigo inherit ivory khaki lavender lavenderblush lawngreen "
    "lemonchiffon lightblue lightcoral lightcyan lightgoldenrodyellow lightgray lightgreen lightgrey lightpink "
    "lightsalmon lightseagreen lightskyblue lightslategray lightslategrey lightsteelblue lightyellow lime limegreen "
    "linen magenta maroon mediumaquamarine mediumblue mediumorchid mediumpurple mediumseagreen mediumslateblue "
    "mediumspringgreen mediumturquoise mediumvioletred midnightblue mintcream mistyrose moccasin navajowhite navy "
    "none oldlace olive olivedrab orange orangered orchid palegoldenrod palegreen paleturquoise palevioletred "
    "papayawhip peachpuff peru pink plum powderblue purple rebeccapurple red rosybrown royalblue saddlebrown salmon "
    "sandybrown seagreen seashell sienna silver skyblue slateblue slategray slategrey snow springgreen steelblue tan "
    "teal thistle tomato transparent turquoise violet wheat white whitesmoke yellow yellowgreen"
)
_COLOUR_WORDS = frozenset(_NAMES.split())
_STYLES = "none hidden dotted dashed solid double groove ridge inset outset thin medium thick"
_LINES = frozenset(_STYLES.split())
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)")


def anything(value: str) -> str:  # noqa: ARG001
    return ""


def colour(value: str) -> str:
    if re.fullmatch(r"#[0-9a-fA-F]{6}|rgba?\([^()]*\)", value) or value.lower() in _COLOUR_WORDS:
        return ""
    if re.fullmatch(r"#[0-9a-fA-F]{3}", value):
        return f'has a colour of three digits: write "#{"".join(digit * 2 for digit in value[1:])}"'
    return "is not a colour: write six digits, as in #1b4dcc"


def length(*units: str, most: int = 1) -> Rule:
    """`most`: how many lengths may stand there; the unit "" is none, the word "auto" stands for itself."""
    wanted = " or ".join(unit or "no unit" for unit in units)

    def check(value: str) -> str:
        parts = value.split()
        if not 1 <= len(parts) <= most:
            return f"takes {'one length' if most == 1 else f'one to {most} lengths'}"
        for part in parts:
            number = _NUMBER.match(part)
            unit = part[number.end() :] if number else part
            if not (unit in units and (number or unit == "auto")):
                hint = f': write "{part}px"' if number and not unit and "px" in units else ""
                return f"is not a length in {wanted}{hint}"
        return ""

    return check


def one_of(*words: str) -> Rule:
    return lambda value: "" if value in words else f"is none of {', '.join(words)}"


def border(value: str) -> str:
    """As in 1px solid #e4dfd5."""
    for part in re.findall(r"[^\s(]+(?:\([^)]*\))?", value):
        number = _NUMBER.match(part)
        if number and number[0] == part:
            return f'has a width without a unit: write "{part}px"'
        if not number and part not in _LINES and (wrong := colour(part)):
            return wrong if part.startswith("#") else f"has {part!r}, which is neither a style nor a colour"
    return ""


def _sides(name: str, all_sides: Rule, one_side: Rule) -> dict[str, Rule]:
    return {name: all_sides, **{f"{name}-{side}": one_side for side in ("top", "right", "bottom", "left")}}


_ANY = dict.fromkeys(("css-class", "mj-class"), anything)
_PADDING = _sides("padding", length("px", "%", most=4), length("px", "%"))
_BORDER = {**_sides("border", border, border), "border-radius": length("px", "%", most=4)}
_DIRECTION: dict[str, Rule] = {"direction": one_of("ltr", "rtl")}
_BOX: dict[str, Rule] = {**_ANY, **_PADDING, "container-background-color": colour}
_FONT: dict[str, Rule] = {
    "color": colour,
    "font-family": anything,
    "font-size": length("px"),
    "font-style": anything,
    "font-weight": anything,
    "letter-spacing": length("px", "em"),
    "line-height": length("px", "%", ""),
    "text-decoration": anything,
    "text-transform": anything,
}
_LINK = dict.fromkeys(("href", "name", "rel", "target", "title"), anything)
_VERTICAL: dict[str, Rule] = {"vertical-align": one_of("top", "middle", "bottom")}
_ALIGN: dict[str, Rule] = {"align": one_of("left", "center", "right")}
_SECTION: dict[str, Rule] = {
    **_ANY,
    **_PADDING,
    **_BORDER,
    **_DIRECTION,
    "background-color": colour,
    "background-url": anything,
    "background-repeat": one_of("repeat", "no-repeat"),
    **dict.fromkeys(("background-size", "background-position"), anything),
    **dict.fromkeys(("background-position-x", "background-position-y"), anything),
    "full-width": one_of("full-width", "false", ""),
    "text-align": one_of("left", "center", "right"),
    "text-padding": length("px", "%", most=4),
}

#: Tags of the body that we know to work, with their attributes.
BODY_TAGS: Mapping[str, Mapping[str, Rule]] = {
    "mj-body": {**_ANY, "width": length("px"), "background-color": colour},
    "mj-wrapper": _SECTION,
    "mj-section": _SECTION,
    "mj-group": {**_ANY, **_DIRECTION, **_VERTICAL, "background-color": colour, "width": length("px", "%")},
    "mj-column": {
        **_ANY,
        **_PADDING,
        **_BORDER,
        **_DIRECTION,
        **_VERTICAL,
        **_sides("inner-border", border, border),
        "inner-border-radius": length("px", "%", most=4),
        **dict.fromkeys(("background-color", "inner-background-color"), colour),
        "width": length("px", "%"),
    },
    "mj-text": {
        **_BOX,
        **_FONT,
        **_VERTICAL,
        "align": one_of("left", "center", "right", "justify"),
        "background-color": colour,
        "height": length("px", "%"),
    },
    "mj-button": {
        **_BOX,
        **_BORDER,
        **_FONT,
        **_LINK,
        **_VERTICAL,
        **_ALIGN,
        "background-color": colour,
        "inner-padding": length("px", "%", most=4),
        "text-align": one_of("left", "center", "right"),
        "height": length("px", "%"),
        "width": length("px", "%"),
    },
    "mj-image": {
        **_BOX,
        **_BORDER,
        **_LINK,
        **_ALIGN,
        **dict.fromkeys(("src", "alt", "srcset", "sizes", "usemap"), anything),
        "fluid-on-mobile": one_of("true", "false"),
        "font-size": length("px"),
        "width": length("px"),
        "height": length("px", "auto"),
        "max-height": length("px", "%"),
    },
    "mj-divider": {
        **_BOX,
        **_ALIGN,
        "border-color": colour,
        "border-style": anything,
        "border-width": length("px"),
        "width": length("px", "%"),
    },
    "mj-spacer": {**_BOX, **_BORDER, **_VERTICAL, "height": length("px", "%"), "width": length("px", "%")},
}
_SHARED = {name: anything for rules in BODY_TAGS.values() for name in rules}
_HEAD_TAGS: Mapping[str, Mapping[str, Rule]] = {
    "mjml": {"lang": anything, "dir": one_of("ltr", "rtl", "auto"), "owa": anything},
    **{name: {} for name in ("mj-head", "mj-title", "mj-preview", "mj-attributes")},
    "mj-style": {"inline": anything},
    "mj-font": {"name": anything, "href": anything},
    "mj-breakpoint": {"width": length("px")},
    "mj-raw": {"position": one_of("file-start")},
    "mj-all": _SHARED,
    "mj-class": {"name": anything, **_SHARED},
}
TAGS: Mapping[str, Mapping[str, Rule]] = {**_HEAD_TAGS, **BODY_TAGS}

#: What may stand straight in a tag; a tag that is not named here holds text and HTML.
CHILDREN: Mapping[str, frozenset[str]] = {
    "mjml": frozenset({"mj-head", "mj-body", "mj-raw"}),
    "mj-head": frozenset({"mj-attributes", "mj-breakpoint", "mj-font", "mj-preview", "mj-raw", "mj-style", "mj-title"}),
    "mj-attributes": frozenset({"mj-all", "mj-class", *BODY_TAGS}),
    "mj-body": frozenset({"mj-raw", "mj-section", "mj-wrapper"}),
    "mj-wrapper": frozenset({"mj-section"}),
    "mj-section": frozenset({"mj-column", "mj-group", "mj-raw"}),
    "mj-group": frozenset({"mj-column", "mj-raw"}),
    "mj-column": frozenset({"mj-button", "mj-divider", "mj-image", "mj-raw", "mj-spacer", "mj-text"}),
}

#: Tags of MJML that do not work here: why, and what to write instead.
REFUSED: Mapping[str, str] = {
    "mj-hero": "it loses its padding or its ratio: write an mj-section with a background",
    "mj-carousel": "its ids are the same in every mail, and few clients show it: write an mj-image",
    "mj-carousel-image": "mj-carousel does not work in most clients: write an mj-image",
    "mj-navbar": "its ids are the same in every mail: write links in an mj-text",
    "mj-navbar-link": "mj-navbar does not work here: write links in an mj-text",
    "mj-social": "its icons have no alt text, come from a third party and break around mj-raw: "
    "write links in an mj-text",
    "mj-social-element": "mj-social does not work here: write links in an mj-text",
    "mj-accordion": "most clients show it open or not at all: write headings in an mj-text",
    "mj-accordion-element": "mj-accordion does not work here: write headings in an mj-text",
    "mj-accordion-title": "mj-accordion does not work here: write headings in an mj-text",
    "mj-accordion-text": "mj-accordion does not work here: write an mj-text",
    "mj-table": 'it loses its role: write <table role="presentation"> in an mj-text',
    "mj-html-attributes": "our compiler cannot read it: write the attributes into HTML in an mj-text",
    "mj-selector": "mj-html-attributes does not work here: write the attributes into HTML in an mj-text",
    "mj-html-attribute": "mj-html-attributes does not work here: write the attributes into HTML in an mj-text",
    "mj-include": "templates read no other file: write its content here",
}


def is_computed(tag: str, attribute: str) -> bool:
    """MJML does sums with it, so that a Jinja tag in it would be swallowed."""
    if attribute in ("width", "mj-class", "border-width") or "padding" in attribute:
        return True
    return attribute == "height" and tag in ("mj-image", "mj-spacer")
