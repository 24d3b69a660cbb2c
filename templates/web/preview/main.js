// The preview's page: asks for mails, shows them, and asks several times a second whether something was saved.

import {drawChecks, noteWidth} from "./checks.js";
import {$, el} from "./dom.js";
import {drawPicks} from "./picks.js";
import {drawProfile, forgetProfile, say, wireProfile} from "./profile.js";
import {draw} from "./stage.js";
import {change, readAddress, view} from "./state.js";
import {get, post} from "./talk.js";
import {drawWhy, wireWhy} from "./why.js";

const EVERY = 150; // milliseconds
const TABS = ["picks", "profile", "why", "checks", "send"];
const shown = {a: null, b: null}; // the last mails that could be made
let turn = 0, stamps = null, busy = 0, isReached = true;

async function load() {
  busy += 1;
  const timer = setTimeout(tell, 300);
  try {
    await loadMails();
  } finally {
    clearTimeout(timer);
    busy -= 1;
    tell();
  }
}

function tell() {
  const words = !isReached ? "Stopped" : busy ? "Working" : "Live", place = $("live");
  if (place.textContent !== words) { place.textContent = words; place.className = words.toLowerCase(); }
}

async function loadMails() {
  const mine = ++turn;
  const asked = {issue: view.issue, today: view.today === "on"};
  const first = post("proof", {...asked, address: view.reader, profile: view.profile});
  const second = view.with ? post("proof", {...asked, address: view.with}) : null;
  const [a, b] = [await first, await second];
  if (mine !== turn) return;
  const error = a.error ? a : b?.error ? b : null;
  if (!a.error) { shown.a = a; stamps = {...stamps, ...a.stamps}; }
  if (!a.error || !view.with) shown.b = b && !b.error ? b : null;
  complain(error ?? a.trouble ?? b?.trouble ?? null);
  if (shown.a) {
    if (!a.error) drawProfile(shown.a);
    drawAll();
  }
  $("own").disabled = !view.profile;
  if (a.error && view.profile) say(a.error);
}

function drawAll() {
  document.body.dataset.proof = shown.a.id;
  draw(shown, noteWidth);
  notice(shown.a);
  drawPanels();
}

function drawPanels() {
  drawPicks(shown);
  drawWhy(shown);
  drawChecks(shown.a);
  const edited = shown.a.edited ? " with the edited profile" : "";
  $("send-what").textContent = `The mail to ${shown.a.to}${edited}, as it is shown, to an address of yours. It goes over the configured mail server and into no ledger, and its links open nobody's pages.`;
}

/** One line, and where in a template; what is shown below it is the last good mail. */
function complain(error) {
  const place = $("trouble");
  place.hidden = !error;
  place.replaceChildren(...(error ? [el("p", {}, el("b", {}, error.error), shown.a ? " Below is the last mail that could be made." : "")] : []));
}

function notice(proof) {
  $("today-field").hidden = !proof.planned;
  const key = proof.issue.key;
  const words = proof.frozen ? `${key} is planned, so its papers and templates are frozen: what you save now does not change it.`
    : proof.planned ? `The papers of ${key} in the templates of today. This is not what is sent: ${key} goes out in the templates it was planned with.`
    : `${key} as it would be planned now: ${proof.pool} papers that were new from ${proof.issue.since} to ${proof.issue.until} (UTC).`;
  $("notice").textContent = words;
  $("notice").className = proof.planned && !proof.frozen ? "other" : "";
  $("notice").hidden = false;
}

function wireViews() {
  for (const name of ["part", "width", "scheme"]) for (const radio of document.getElementsByName(name)) {
    radio.checked = radio.value === view[name];
    radio.addEventListener("change", () => { change({[name]: radio.value}); if (shown.a) draw(shown, noteWidth); });
  }
  for (const name of ["styles", "images"]) {
    const [box] = document.getElementsByName(name);
    box.checked = view[name] === "on";
    box.addEventListener("change", () => { change({[name]: box.checked ? "on" : "off"}); if (shown.a) draw(shown, noteWidth); });
  }
}

function wireReaders() {
  if (![...$("issue").options].some(option => option.value === view.issue)) $("issue").append(new Option(view.issue, view.issue));
  $("issue").value = view.issue;
  $("reader").value = view.reader;
  $("with").value = view.with;
  $("today").checked = view.today === "on";
  $("issue").addEventListener("change", () => { change({issue: $("issue").value}); load(); });
  $("today").addEventListener("change", () => { change({today: $("today").checked ? "on" : "off"}); load(); });
  $("reader").addEventListener("change", () => { forgetProfile(); change({reader: $("reader").value.trim()}); load(); });
  $("with").addEventListener("change", () => { change({with: $("with").value.trim()}); load(); });
}

function wireTabs() {
  const tabs = TABS.map(name => $(`tab-${name}`));
  const open = (name, focus = false) => {
    change({tab: name});
    TABS.forEach((each, place) => {
      tabs[place].setAttribute("aria-selected", String(each === name));
      tabs[place].tabIndex = each === name ? 0 : -1;
      $(`panel-${each}`).hidden = each !== name;
    });
    if (focus) $(`tab-${name}`).focus();
    if (shown.a) drawPanels();
  };
  tabs.forEach((tab, place) => {
    tab.addEventListener("click", () => open(tab.dataset.tab));
    tab.addEventListener("keydown", event => {
      const to = {ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: TABS.length - 1}[event.key];
      if (to === undefined) return;
      event.preventDefault();
      open(TABS[(to + TABS.length) % TABS.length], true);
    });
  });
  open(TABS.includes(view.tab) ? view.tab : "picks");
}

function wireSending() {
  $("send").addEventListener("submit", async event => {
    event.preventDefault();
    const button = event.submitter, place = $("sent");
    button.disabled = true;
    place.className = "";
    place.textContent = "Sending …";
    const answer = await post(`proof/${shown.a?.id}/send`, {to: $("to").value}).catch(() => ({error: "The preview does not answer."}));
    place.textContent = answer.error ?? `Sent to ${answer.to}. The mail server said: ${answer.words}`;
    place.className = answer.error ? "bad" : "good";
    button.disabled = false;
  });
}

/** A frozen issue follows nothing; in today's templates it follows these; the next issue follows the store too. */
function concerns(now) {
  if (!stamps) return false;
  const follows = !view.issue ? ["templates", "store"] : view.today === "on" ? ["templates"] : [];
  return follows.some(name => stamps[name] !== now[name]);
}

async function watch() {
  try {
    if (!document.hidden) {
      const now = await get("stamp"), changed = concerns(now);
      isReached = true;
      if (stamps?.site && stamps.site !== now.site) location.reload(); // the site was started again
      stamps = now;
      if (changed) await load();
    }
  } catch {
    isReached = false;
  }
  if (!busy) tell();
  setTimeout(watch, EVERY);
}

readAddress();
wireViews();
wireReaders();
wireProfile(load);
wireWhy();
wireTabs();
wireSending();
document.addEventListener("gone", load);
load().catch(() => complain({error: "The preview does not answer."})).finally(watch);
