// What is shown, as the address of the page says it: a view can be bookmarked and sent to a colleague.
// An edited profile stands behind the "#", which no server ever sees.

const begin = document.body.dataset.issue, narrow = innerWidth < 620;
const DEFAULTS = {
  issue: begin, today: "off", reader: "", with: "", part: "html", width: narrow ? "phone" : "desktop", scheme: "light", styles: "on", images: "on",
  tab: "picks", whose: "a", show: "all", profile: "",
};

export const view = {...DEFAULTS};

export function readAddress() {
  const asked = new URLSearchParams(location.search);
  for (const name of Object.keys(DEFAULTS)) view[name] = asked.get(name) ?? DEFAULTS[name];
  view.profile = new URLSearchParams(location.hash.slice(1)).get("profile") ?? "";
}

export function change(changes) {
  Object.assign(view, changes);
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(view)) if (name !== "profile" && value !== DEFAULTS[name]) asked.set(name, value);
  const query = asked.toString(), hash = view.profile ? `#${new URLSearchParams({profile: view.profile})}` : "";
  history.replaceState(null, "", `${location.pathname}${query ? `?${query}` : ""}${hash}`);
}
