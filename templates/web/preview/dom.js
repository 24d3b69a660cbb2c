// Small helpers for the page. Text is only ever set as text, never as HTML: titles come from outside.

export const $ = id => document.getElementById(id);

/** el("p", {class: "quiet", title: "…"}, "words", otherElement): attributes that are null are left out. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter(child => child !== null && child !== undefined && child !== ""));
  return element;
}

/** A table whose cells hold text or elements; numbers stand at the right. */
export function table(caption, heads, rows) {
  const cell = (tag, value) => el(tag, {class: typeof value === "number" || /^[+-]?[\d.]+( %)?$/.test(value) ? "number" : null}, value);
  return el("div", {class: "scroll", tabindex: 0, role: "region", "aria-label": caption},
    el("table", {},
      el("caption", {}, caption),
      el("thead", {}, el("tr", {}, ...heads.map(head => el("th", {scope: "col"}, head)))),
      el("tbody", {}, ...rows.map(row => el("tr", {}, ...row.map(value => cell("td", value)))))));
}

export const kilobytes = bytes => `${Number((bytes / 1024).toFixed(1))} KB`;
export const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;
export const decimals = number => number === null || number === undefined ? "–" : number.toFixed(3);

/** Calls `act` when nothing has happened for so many milliseconds. */
export function settled(milliseconds, act) {
  let timer = 0;
  return () => { clearTimeout(timer); timer = setTimeout(act, milliseconds); };
}
