// Questions to the site. Every answer is an object; one with `error` says in one line what is wrong.

const token = document.querySelector("meta[name=preview-token]").content;

async function answered(question) {
  const response = await question;
  if (response.status === 404) document.dispatchEvent(new Event("gone")); // the site keeps the latest mails only
  try {
    return await response.json();
  } catch {
    return {error: `The preview could not answer (${response.status}). The terminal says more.`};
  }
}

export const get = path => answered(fetch(path));

export const post = (path, row) => answered(fetch(path, {
  method: "POST", body: JSON.stringify(row), headers: {"Content-Type": "application/json", "X-Preview-Token": token},
}));

export const words = async path => (await fetch(path)).text();
