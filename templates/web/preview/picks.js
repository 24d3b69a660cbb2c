// The picks of one mail, or of two with what differs marked.

import {$, count, decimals, el} from "./dom.js";
import {get} from "./talk.js";

let asked = 0;

export async function drawPicks(shown) {
  const turn = ++asked;
  const pairs = shown.b ? await get(`compare/${shown.a.id}/${shown.b.id}`) : [];
  if (turn !== asked || pairs.error) return;
  const marks = marked(pairs);
  $("panel-picks").replaceChildren(
    ...(shown.b ? [differences(pairs, shown)] : []),
    el("div", {class: "lists"},
      el("div", {}, ...list(shown.a, marks.left, shown.b ? who(shown.a) : "Picks")),
      shown.b ? el("div", {}, ...list(shown.b, marks.right, who(shown.b))) : null));
}

const who = proof => `${proof.to}${proof.edited ? ", edited" : ""}`;

/** Entry → what is different about it, for each side. */
function marked(pairs) {
  const marks = {left: {}, right: {}};
  for (const {left, right, moved} of pairs) {
    if (!right) marks.left[left.entry] = "only here";
    else if (!left) marks.right[right.entry] = "only here";
    else if (moved) {
      marks.left[left.entry] = `there ${right.place}`;
      marks.right[right.entry] = `there ${left.place}`;
    }
  }
  return marks;
}

function list(proof, marks, title) {
  const item = pick => {
    const facts = [decimals(pick.score), pick.interest || "no interest", pick.why.join("; ")];
    return el("li", {value: pick.place, class: marks[pick.entry] ? "differs" : null},
      el("p", {class: "title"}, pick.title, marks[pick.entry] ? el("b", {class: "badge"}, marks[pick.entry]) : null),
      el("p", {class: "quiet"}, facts.join(" · ")));
  };
  const parts = [el("h2", {}, title),
    el("p", {class: "quiet"}, `${count(proof.picks.length, "paper", "papers")} of a pool of ${proof.pool}.`),
    el("ol", {class: "picks"}, ...proof.picks.map(item))];
  if (proof.more.length) parts.push(el("h3", {}, "No room in the mail, on its web page only"), el("ol", {class: "picks"}, ...proof.more.map(item)));
  if (proof.popular.length) parts.push(el("h3", {}, "Popular, beside the picks"), el("ul", {class: "picks"}, ...proof.popular.map(title => el("li", {}, title))));
  return parts;
}

function differences(pairs, shown) {
  const groups = [
    [`Only ${who(shown.a)}`, pairs.filter(pair => !pair.right)],
    [`Only ${who(shown.b)}`, pairs.filter(pair => !pair.left)],
    ["Both", pairs.filter(pair => pair.left && pair.right)],
  ];
  const body = groups.filter(([, some]) => some.length).map(([title, some]) => el("tbody", {},
    el("tr", {}, el("th", {scope: "rowgroup", colspan: 3}, `${title} (${some.length})`)), ...some.map(row)));
  const heads = ["Paper", who(shown.a), who(shown.b)];
  return el("section", {},
    el("h2", {}, "Differences"),
    pairs.length ? el("div", {class: "scroll", tabindex: 0, role: "region", "aria-label": "Differences"},
      el("table", {id: "differences"}, el("thead", {}, el("tr", {}, ...heads.map(head => el("th", {scope: "col"}, head)))), ...body))
      : el("p", {class: "quiet"}, "Neither of them gets a paper."));
}

function row({title, left, right, moved}) {
  const place = each => el("td", {class: "number"}, each ? String(each.place) : "–");
  const reasons = [...new Set([left, right].filter(Boolean).map(each => each.why.join("; ")))].join(" | ");
  return el("tr", {class: left && right && !moved ? null : "differs"},
    el("td", {}, title, el("span", {class: "quiet"}, reasons)), place(left), place(right));
}
