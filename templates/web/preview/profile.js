// A profile edited on the spot. The JSON is what counts; the fields above it only write into it.

import {$, el, settled} from "./dom.js";
import {change, view} from "./state.js";

const box = $("profile"), knobs = [...document.querySelectorAll("[data-key]")];
let isPending = false; // something was typed that is not shown yet

/** `onChange`: a profile was edited, or given up. */
export function wireProfile(onChange) {
  const apply = text => { isPending = false; change({profile: text}); onChange(); };
  const soon = settled(350, () => isPending && parsed() && apply(box.value));
  box.addEventListener("input", () => { isPending = true; drawFields(); soon(); });
  for (const knob of knobs) knob.addEventListener("input", () => edit(profile => {
    if (knob.value === "") delete profile[knob.dataset.key];
    else profile[knob.dataset.key] = Number(knob.value);
  }) && soon());
  $("add").addEventListener("submit", event => {
    event.preventDefault();
    const words = $("words").value.split(";").map(word => word.trim()).filter(Boolean);
    const added = words.length && edit(profile => (profile.interests ??= []).push({name: words[0], keywords: words}));
    if (added) { $("words").value = ""; drawFields(); apply(box.value); }
  });
  $("own").addEventListener("click", () => apply(""));
  $("interests").addEventListener("click", event => {
    const place = event.target.closest("button")?.dataset.place;
    if (place !== undefined && edit(profile => profile.interests.splice(Number(place), 1))) { drawFields(); apply(box.value); }
  });
}

/** Another reader: what was edited belongs to the one before. */
export function forgetProfile() {
  isPending = false;
  change({profile: ""});
}

/** The reader's own profile, or the edited one as it stands; nothing is taken from under the maintainer's hands. */
export function drawProfile(proof) {
  if (isPending) return;
  if (!view.profile) box.value = JSON.stringify(proof.profile, null, 1);
  else if (!box.value) box.value = view.profile;
  say("");
  drawFields();
}

export function say(error) {
  $("profile-error").textContent = error;
  box.toggleAttribute("aria-invalid", Boolean(error));
}

function parsed() {
  try {
    const profile = JSON.parse(box.value || "{}");
    if (profile && typeof profile === "object" && !Array.isArray(profile)) { say(""); return profile; }
    say("The profile is not a JSON object.");
  } catch (error) {
    say(`The profile is not JSON: ${error.message}`);
  }
  return null;
}

/** Changes the JSON; false where it cannot be read. */
function edit(how) {
  const profile = parsed();
  if (!profile) return false;
  how(profile);
  isPending = true;
  box.value = JSON.stringify(profile, null, 1);
  return true;
}

function drawFields() {
  let profile = {};
  try { profile = JSON.parse(box.value || "{}") ?? {}; } catch { return; }
  for (const knob of knobs) if (document.activeElement !== knob) knob.value = profile[knob.dataset.key] ?? "";
  const interests = Array.isArray(profile.interests) ? profile.interests : [];
  $("interests").replaceChildren(...interests.map((each, place) => {
    const name = typeof each === "string" ? each : each?.name || [each?.keywords].flat()[0] || `interest ${place + 1}`;
    return el("li", {}, el("span", {}, name),
      el("button", {type: "button", class: "remove", "data-place": place, "aria-label": `Remove ${name}`}, "Remove"));
  }));
}
