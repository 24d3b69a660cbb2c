// The mails themselves: one pane, or two side by side. A frame is as wide as it says, and made smaller where there is no room.

import {$, el, kilobytes} from "./dom.js";
import {view} from "./state.js";
import {words} from "./talk.js";

const WIDTHS = {desktop: 680, phone: 375};
const clipped = Number(document.body.dataset.clipped);
const panes = {};

/** Shows these mails, {a, b}; b may be null. `onMeasured(side, overflow)`: pixels by which a mail is wider than its frame. */
export function draw(shown, onMeasured) {
  for (const side of ["a", "b"]) {
    if (shown[side]) pane(side).draw(shown[side], onMeasured);
    else if (panes[side]) { panes[side].element.remove(); delete panes[side]; }
  }
  $("panes").classList.toggle("two", Boolean(shown.b));
  document.body.classList.toggle("comparing", Boolean(shown.b));
  for (const each of document.querySelectorAll(".of-html")) each.disabled = view.part !== "html";
}

function pane(side) {
  panes[side] ??= new Pane(side);
  return panes[side];
}

class Pane {
  constructor(side) {
    this.side = side;
    this.letter = el("div", {class: "letter"});
    this.size = el("div", {class: "size"});
    this.box = el("div", {class: "box"});
    this.source = el("pre", {tabindex: 0, "aria-label": "Source", hidden: true});
    this.element = el("article", {class: "pane", "aria-label": side === "a" ? "Mail" : "Mail to compare with"},
      this.letter, this.size, this.box, this.source);
    $("panes").append(this.element);
    new ResizeObserver(() => this.fit()).observe(this.box);
  }

  async draw(proof, onMeasured) {
    this.letter.replaceChildren(...letterhead(proof));
    this.size.replaceChildren(...sizes(proof));
    const isHtml = view.part === "html";
    this.box.hidden = !isHtml;
    this.source.hidden = isHtml;
    const address = isHtml
      ? `proof/${proof.id}/html?scheme=${view.scheme}&styles=${view.styles}&images=${view.images}`
      : `proof/${proof.id}/${view.part}`;
    this.fit();
    const key = address.replace(proof.id, proof.body);
    if (key === this.key) return;
    this.key = key;
    if (isHtml) this.show(address, overflow => onMeasured(this.side, overflow));
    else {
      const text = await words(address);
      if (key === this.key) this.source.textContent = text;
    }
  }

  /** The new mail takes the old one's place when it is there, scrolled to the same place: nothing flickers. */
  show(address, measured) {
    const frame = el("iframe", {
      src: address, title: `The mail${this.side === "b" ? " to compare with" : ""}`, class: "coming",
      sandbox: "allow-same-origin allow-popups allow-popups-to-escape-sandbox",
    });
    this.coming?.remove();
    this.coming = frame;
    this.box.append(frame);
    this.fit();
    const ready = () => {
      const page = frame.contentDocument;
      if (this.coming !== frame) return;
      if (!page || page.URL === "about:blank" || page.readyState === "loading") { setTimeout(ready, 10); return; }
      frame.contentWindow.scrollTo(0, this.frame?.contentWindow?.scrollY ?? 0);
      this.frame?.remove();
      frame.classList.remove("coming");
      frame.dataset.shown = address;
      this.frame = frame;
      this.coming = null;
      measured(Math.max(0, page.documentElement.scrollWidth - page.documentElement.clientWidth));
    };
    ready();
  }

  fit() {
    const wanted = WIDTHS[view.width], scale = Math.min(1, this.box.clientWidth / wanted);
    for (const frame of [this.frame, this.coming]) {
      if (!frame || !scale) continue;
      frame.style.width = `${wanted}px`;
      frame.style.height = `${this.box.clientHeight / scale}px`;
      frame.style.transform = scale < 1 ? `scale(${scale})` : "";
      frame.style.marginLeft = `${Math.max(0, (this.box.clientWidth - wanted * scale) / 2)}px`;
    }
  }
}

/** As in an inbox: from, subject, and the line beside it. */
function letterhead(proof) {
  const to = proof.name ? `${proof.name} <${proof.to}>` : proof.to;
  return [
    el("p", {class: "from"}, proof.sender.replace(/\s*<.*>$/, "") || proof.sender, el("span", {class: "to"}, ` to ${to}`),
      proof.edited ? el("b", {class: "badge"}, "edited profile") : null),
    el("h2", {class: "subject"}, proof.subject),
    el("p", {class: "preheader"}, proof.preheader),
  ];
}

function sizes({id, sizes: bytes}) {
  const share = Math.min(1, bytes.html / clipped);
  const fill = el("span", {class: share > 0.95 ? "full" : null});
  fill.style.width = `${(100 * share).toFixed(1)}%`;
  const bar = el("div", {
    class: "bar", role: "meter", "aria-label": "Size of the HTML part", "aria-valuemin": 0, "aria-valuemax": clipped,
    "aria-valuenow": bytes.html, "aria-valuetext": `${kilobytes(bytes.html)} of ${kilobytes(clipped)}`,
  }, fill);
  const over = bytes.html > clipped ? " Gmail cuts it off." : "";
  return [bar, el("p", {class: "quiet"},
    `HTML ${kilobytes(bytes.html)}; Gmail clips at ${kilobytes(clipped)}.${over} Text ${kilobytes(bytes.text)}. The whole mail ${kilobytes(bytes.mail)}: `,
    el("a", {href: `proof/${id}/mail.eml`, download: `${id}.eml`}, "save it"), ".")];
}
