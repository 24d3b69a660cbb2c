// Why each paper of the pool was taken or left: a list from the site, filtered here; the numbers of one are asked for when it is opened.

import {$, count, decimals, el, settled, table} from "./dom.js";
import {change, view} from "./state.js";
import {get} from "./talk.js";

const PAGE = 50;
let rows = [], of = "", turn = 0, most = PAGE, shown = {a: null, b: null};

export function wireWhy() {
  $("filter").addEventListener("input", settled(100, () => { most = PAGE; drawList(); }));
  $("why-more").addEventListener("click", () => {
    const first = most;
    most += PAGE;
    drawList();
    $("why-list").children[first]?.querySelector("summary").focus();
  });
  $("other").addEventListener("submit", async event => {
    event.preventDefault();
    const entry = $("other-entry").value.trim();
    if (entry) $("other-told").replaceChildren(await numbers(of, entry, true));
  });
  for (const name of ["show", "whose"]) for (const radio of document.getElementsByName(name)) {
    radio.checked = radio.value === view[name];
    radio.addEventListener("change", () => {
      change({[name]: radio.value});
      most = PAGE;
      if (name === "whose") drawWhy(shown);
      else drawList();
    });
  }
}

/** Asks for the list only while it is looked at. */
export async function drawWhy(now) {
  shown = now;
  $("whose").hidden = !now.b;
  for (const radio of document.getElementsByName("whose")) radio.nextElementSibling.textContent = now[radio.value]?.to ?? "";
  const proof = (view.whose === "b" && now.b) || now.a;
  const mine = ++turn; // of two answers, the one that was asked for last counts
  if (view.tab !== "why" || !proof || of === proof.id) return;
  const answer = await get(`proof/${proof.id}/why`);
  if (mine !== turn) return;
  if (answer.error) { $("why-count").textContent = answer.error; return; }
  of = proof.id;
  rows = answer;
  $("other-told").replaceChildren();
  drawList();
}

function drawList() {
  const words = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const said = row => [row.title, row.interest, row.why, row.source, row.entry].join(" ").toLowerCase();
  const found = rows.filter(row => (view.show === "all" || (view.show === "taken") === row.place > 0)
    && words.every(word => said(row).includes(word)));
  const taken = found.filter(row => row.place).length;
  $("why-count").textContent = `${count(found.length, "paper", "papers")}: ${taken} taken, ${found.length - taken} left.`;
  $("why-list").replaceChildren(...found.slice(0, most).map(item));
  $("why-more").hidden = found.length <= most;
  $("why-more").textContent = `Show ${Math.min(PAGE, found.length - most)} more`;
}

function item(row) {
  const facts = [`score ${decimals(row.score)}`, row.interest || "no interest",
    row.trend === null ? "" : `trend ${row.trend.toFixed(2)}`, row.votes === null ? "" : count(row.votes, "vote", "votes"),
    row.published, row.mailed && row.mailed !== row.place ? `in the mail at ${row.mailed}` : ""];
  const told = el("div", {class: "told"});
  const details = el("details", {class: row.place ? "taken" : "left"},
    el("summary", {},
      el("span", {class: "place"}, row.place ? String(row.place) : "–"),
      el("span", {class: "title"}, row.title),
      el("span", {class: "quiet"}, facts.filter(Boolean).join(" · ")),
      el("span", {class: "reason"}, row.why)), told);
  details.addEventListener("toggle", async () => {
    if (details.open && !told.hasChildNodes()) told.replaceChildren(await numbers(of, row.entry));
  });
  return details;
}

const twoLines = (first, second) => el("span", {}, first, second ? el("span", {class: "quiet"}, second) : null);

const KINDS = {liked: "liked", voted: "wanted", word: "word", disliked: "disliked", less: "less like", passed: "passed over", author: "author", trend: "trend"};
const SAID = {more: "asked for more like", save: "saved", less: "asked for less like", passed: "passed over"};

/** What `newsletter explain` prints. */
async function numbers(proof, entry, named = false) {
  const told = await get(`proof/${proof}/explain?${new URLSearchParams({entry})}`);
  if (told.error) return el("p", {class: "bad"}, told.error);
  const sign = number => `${number < 0 ? "" : "+"}${number.toFixed(2)}`;
  const parts = [];
  if (named) parts.push(el("h3", {}, told.title), el("p", {}, `${told.place ? "Taken" : "Left"}. ${told.why}`));
  if (!told.pooled) parts.push(el("p", {}, `The pool is what was new from ${told.since} to ${told.until} (UTC).`));
  if (told.kept) parts.push(el("p", {}, `The edition that was made for the mail ${told.mailed ? `has it at place ${told.mailed}` : "does not have it"}. These are the numbers of today.`));
  if (told.parts.length) parts.push(table(`Score ${told.score.toFixed(2)}: what it is made of`, ["Amount", "Of"], told.parts.map(part => [
    sign(part.amount), twoLines(`${KINDS[part.kind] ?? part.kind}${part.of ? `: ${part.of}` : ""}`, part.words.length ? `shares ${part.words.join(", ")}` : "")])));
  if (told.standings.length) parts.push(table("Beside each interest", ["Interest", "Rank", "Fit", "Score"], told.standings.map(each => [
    twoLines(each.interest || "–", `fair share ${(100 * each.fair).toFixed(0)} %, ${count(each.places, "place", "places")}`),
    twoLines(each.rank ? String(each.rank) : each.matched ? "–" : "no match", `of ${each.matches}`),
    twoLines(`${each.fit.toFixed(1)} ${each.strength}`, `floor ${each.least.toFixed(1)}, best ${each.best.toFixed(1)}`), each.score.toFixed(1)])));
  if (told.votes.length) parts.push(el("ul", {class: "quiet"}, ...told.votes.map(vote => el("li", {},
    `The reader ${SAID[vote.verb] ?? vote.verb} “${vote.title || vote.entry}” ${count(vote.days, "day", "days")} ago: weight ${vote.weight.toFixed(2)}.`))));
  return el("div", {}, ...parts);
}
