// Links, lint and accessibility. Our own links are tried at once, in the preview's process; others only when a button is pressed.

import {$, count, el} from "./dom.js";
import {view} from "./state.js";
import {get, post} from "./talk.js";

const AT_ONCE = 4;
let of = "";
const overflow = {};

/** What the frame measured: a mail that is wider than its screen. */
export function noteWidth(side, pixels) {
  overflow[side] = pixels ? `${side === "a" ? "The mail" : "The mail to compare with"} is ${pixels} px wider than the screen (${view.width}).` : "";
  const place = document.getElementById("too-wide");
  if (place) place.textContent = Object.values(overflow).join(" ");
}

export async function drawChecks(proof) {
  if (view.tab !== "checks" || !proof || of === proof.id) return;
  of = proof.id;
  const told = await get(`proof/${proof.id}/checks`);
  if (of !== proof.id) return;
  const panel = $("panel-checks");
  if (told.error) { of = ""; panel.replaceChildren(el("p", {class: "bad"}, told.error)); return; }
  const outside = told.links.filter(link => link.askable);
  panel.replaceChildren(
    ...section("Templates", told.lint, "The linter finds nothing."),
    ...section("Accessibility", told.access, "Nothing is kept from people who hear the mail."),
    el("p", {id: "too-wide", class: "bad"}, Object.values(overflow).join(" ")),
    el("h2", {}, "Links"),
    ...told.base_url.map(fault => el("p", {class: "bad"}, fault)),
    el("p", {class: "quiet"}, `${count(told.links.length, "address", "addresses")}, ${outside.length} of them elsewhere.`),
    el("p", {}, el("button", {type: "button", class: "second", id: "ask", disabled: !outside.length, onclick: event => askAll(event.target, proof, outside)},
      `Ask ${count(outside.length, "address", "addresses")} elsewhere`), el("span", {id: "asked", role: "status"})),
    el("ul", {class: "links"}, ...told.links.map(linkItem)));
  const opened = await get(`proof/${proof.id}/opened`);
  if (of === proof.id && !opened.error) for (const [url, answer] of Object.entries(opened)) mark(url, answer.good, answer.words);
}

function section(title, findings, nothing) {
  const item = each => el("li", {class: each.severity},
    el("b", {}, `${each.severity} `), el("code", {}, each.line ? `${each.file}:${each.line}` : each.file), ` ${each.text}`);
  return [el("h2", {}, title), findings.length ? el("ul", {class: "findings"}, ...findings.map(item)) : el("p", {class: "quiet good"}, nothing)];
}

function linkItem(link) {
  return el("li", {"data-url": link.url},
    el("p", {}, el("b", {}, link.purpose), link.words.length ? ` ${link.words.join(" / ")}` : "", el("span", {class: "answer"})),
    el("p", {class: "quiet"}, el("code", {}, link.url || "(empty)"), ` in ${link.places.join(", ")}`),
    ...link.faults.map(fault => el("p", {class: "bad"}, fault)));
}

function mark(url, good, said) {
  const item = [...document.querySelectorAll("#panel-checks [data-url]")].find(each => each.dataset.url === url);
  const place = item?.querySelector(".answer");
  if (!place) return;
  place.textContent = said;
  place.className = `answer ${good === true ? "good" : good === false ? "wrong" : "unsure"}`;
}

async function askAll(button, proof, links) {
  button.disabled = true;
  const waiting = [...links], said = {good: 0, bad: 0};
  const worker = async () => {
    for (let link = waiting.shift(); link && of === proof.id; link = waiting.shift()) {
      mark(link.url, null, "asking");
      const answer = await post(`proof/${proof.id}/ask`, {url: link.url});
      const good = answer.good === true;
      said[good ? "good" : "bad"] += 1;
      mark(link.url, good, `${answer.error ?? answer.words}${answer.moved ? `, at ${answer.moved}` : ""}`);
      $("asked").textContent = ` ${said.good} answer, ${said.bad} do not.`;
    }
  };
  await Promise.all(Array.from({length: AT_ONCE}, worker));
  button.disabled = false;
}
