"use strict";
// Progressive enhancement only: every page works without it. Chromium 90, strict CSP, words from data attributes.
(() => {
const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
const one = (selector, root = document) => root.querySelector(selector);
const words = document.body.dataset;
const make = (tag, attributes, text = "") => {
  const element = document.createElement(tag);
  Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
  element.textContent = text;
  return element;
};
// While an input method composes, keys are not ours.
const composing = (event) => event.isComposing || event.keyCode === 229;

document.documentElement.classList.add("js");
if (one(".error-summary")) one(".error-summary").focus();

// ---- Dialogs: <details> becomes a button and a modal <dialog> with the same form.
all("details[data-dialog]").forEach((details) => {
  const [label, body] = [one("summary", details), one(".confirm-body", details)];
  const dialog = make("dialog", { id: details.dataset.dialog, "aria-labelledby": one("h2", body).id });
  const button = make("button", { type: "button", class: label.className, "data-opens-dialog": dialog.id });
  button.append(...label.childNodes);
  dialog.append(body);
  details.replaceWith(button, dialog);
  if (details.open) dialog.showModal();
});
document.addEventListener("click", ({ target }) => {
  const [opener, closer, shower] = ["opens-dialog", "closes-dialog", "shows"].map((name) => target.closest(`[data-${name}]`));
  if (opener) one("#" + opener.dataset.opensDialog).showModal();
  if (closer) closer.closest("dialog").close();
  if (shower) {
    const field = one("#" + shower.dataset.shows);
    field.type = field.type === "password" ? "text" : "password";
    shower.setAttribute("aria-pressed", field.type === "text");
  }
});

// ---- Combobox: the select stays the control that is sent; the input only chooses in it.
all("select[data-combobox]").forEach((select) => {
  const id = select.id;
  const options = Array.from(select.options).filter((option) => option.value);
  const box = make("div", { class: "combobox" });
  const list = make("ul", { id: id + "_list", role: "listbox", "aria-label": select.labels[0].textContent.trim(), hidden: "" });
  const input = make("input", { role: "combobox", autocomplete: "off", "aria-autocomplete": "list", "aria-controls": list.id });
  const hint = make("p", { class: "hint", role: "status" });
  let shown = [], active;
  const items = options.map((option, index) => {
    const item = make("li", { id: `${id}_${index}`, role: "option" }, option.text);
    const { hint = "", search = "" } = option.dataset;
    if (hint) item.append(make("small", {}, hint));
    item.found = `${option.text} ${search} ${hint}`.toLowerCase();
    item.onmousedown = (event) => event.preventDefault();
    item.onclick = () => pick(option);
    return item;
  });
  const optionOf = (item) => options[items.indexOf(item)];
  const mark = (item) => {
    active = item;
    items.forEach((each) => each.classList.toggle("is-active", each === item));
    input.setAttribute("aria-activedescendant", item ? item.id : "");
    if (item) item.scrollIntoView({ block: "nearest" });
  };
  const open = (text) => {
    const terms = text.toLowerCase().split(/\s+/);
    items.forEach((item) => { item.hidden = !terms.every((term) => item.found.includes(term)); });
    shown = items.filter((item) => !item.hidden);
    list.hidden = !shown.length;
    input.setAttribute("aria-expanded", !list.hidden);
    hint.textContent = (words.results || "").replace("%s", shown.length);
    mark();
  };
  const close = () => {
    const option = select.selectedOptions[0] || { dataset: {} };
    input.value = option.value ? option.text : "";
    hint.textContent = option.dataset.hint || "";
    items.forEach((item) => item.setAttribute("aria-selected", optionOf(item) === option));
    list.hidden = true;
    input.setAttribute("aria-expanded", false);
    mark();
  };
  const pick = (option) => {
    select.value = option ? option.value : "";
    select.dispatchEvent(new Event("change", { bubbles: true }));
  };
  ["aria-describedby", "aria-invalid"].forEach((name) => select.hasAttribute(name) && input.setAttribute(name, select.getAttribute(name)));
  // Label and error summary point at the id, so the input takes it over.
  select.id = id + "_select";
  Object.assign(input, { id, required: select.required });
  Object.assign(select, { required: false, tabIndex: -1, className: "vh" });
  select.setAttribute("aria-hidden", true);
  select.addEventListener("change", close);
  input.addEventListener("click", () => open(""));
  input.addEventListener("input", (event) => event.isComposing || open(input.value.trim()));
  input.addEventListener("compositionend", () => open(input.value.trim()));
  input.addEventListener("blur", () => {
    const typed = input.value.trim();
    // The one match left is what was meant; anything else falls back to the last choice.
    if (typed && !list.hidden && shown.length === 1) pick(optionOf(shown[0]));
    else if (!typed && select.value) pick();
    close();
  });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (composing(event) || event.ctrlKey || (list.hidden && !step)) return;
    if (step && list.hidden) open("");
    else if (step && event.altKey) close();
    else if (step) mark(shown[(shown.indexOf(active) + step + shown.length) % shown.length] || shown[shown.length - 1]);
    else if (event.key === "Enter") (active || shown.length === 1) && pick(optionOf(active || shown[0]));
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  });
  list.append(...items);
  select.before(box);
  box.append(input, list, select);
  box.after(hint);
  close();
});

// ---- Forms: warn before what was typed is lost, and send once.
const unsaved = new Set(all("form[data-guard=dirty]"));
["input", "change"].forEach((kind) => document.addEventListener(kind, ({ target }) => {
  const form = target.closest("form[data-guard]");
  if (form) unsaved.add(form);
}));
// Another language: what is typed goes along and stands in the same form again. Files have to be chosen again.
if (document.body.hasAttribute("data-typed")) all("form[data-guard]").forEach((form) => unsaved.add(form));
all("form[data-language]").forEach((button) => button.addEventListener("submit", () => {
  const form = [...unsaved].pop();
  if (!form) return;
  unsaved.clear();
  all("[name=kept], [name=show]", button).forEach((input) => input.remove());
  [...new FormData(form), ["show", "1"]].reverse().forEach(([name, value]) => {
    // The button's own form has these two.
    if (typeof value !== "string" || ["csrfmiddlewaretoken", "typed_by"].includes(name)) return;
    button.prepend(make("input", { type: "hidden", name, value }));
  });
}));
window.addEventListener("beforeunload", (event) => {
  if (!unsaved.size) return;
  event.preventDefault();
  event.returnValue = true;
});
const release = (form, sent) => {
  form.toggleAttribute("data-sent", sent);
  // Later, or the pressed button would not be among the values sent.
  setTimeout(() => all("button", form).forEach((button) => { button.disabled = sent; }));
};
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.hasAttribute("data-sent")) return event.preventDefault();
  unsaved.delete(form);
  release(form, true);
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted && one("[data-sealed]")) location.reload();
  all("form[data-sent]").forEach((form) => release(form, false));
});

// A sign-in in another tab makes the token of this page stale: take a fresh one before it is sent again.
all("form[data-fresh]").forEach((form) => document.addEventListener("visibilitychange", async () => {
  if (document.hidden) return;
  const page = await (await fetch(form.dataset.fresh, { headers: { "X-Timer": "1" } })).text();
  const token = /name="csrfmiddlewaretoken" value="(\w+)"/.exec(page);
  if (token) one("[name=csrfmiddlewaretoken]", form).value = token[1];
}));

// ---- The session: a warning before it ends, and nothing to be seen of what was typed once it has. No timer prolongs it,
// but whoever writes or clicks does, once a minute.
const session = one("#session");
if (session) {
  const { url, who, warning } = session.dataset;
  const [before, after, timer, nobody, another] = ["before", "after", "timer", "nobody", "another"].map((name) => one(`[data-${name}]`, session));
  const tokens = () => all("[name=csrfmiddlewaretoken]");
  const every = 60000;
  let end = Date.now() + session.dataset.left * 1000, over = false, waiting;
  // A page that came by hand has told the server already.
  let told = session.dataset.left * 1000 > warning * 1000 + every ? Date.now() : 0;
  const ask = async (method) => {
    const headers = method === "POST" ? { "X-CSRFToken": (tokens()[0] || {}).value || "" } : { "X-Timer": "1" };
    try {
      const answer = await (await fetch(url, { method, headers })).json();
      // Somebody else's session is not this page's.
      end = Date.now() + (answer.who === who ? answer.left : 0) * 1000;
      if (answer.who === who) tokens().forEach((field) => { field.value = answer.token; });
      another.hidden = !answer.who || answer.who === who;
      nobody.hidden = !another.hidden;
      return true;
    } catch (error) {
      return false;
    }
  };
  const show = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    over = left <= 0;
    document.body.classList.toggle("session-over", over);
    before.hidden = over;
    after.hidden = !over;
    timer.textContent = `${Math.floor(Math.max(0, left) / 60)}:${String(Math.max(0, left) % 60).padStart(2, "0")}`;
    const warns = left <= warning;
    if (warns && !session.open) {
      session.showModal();
      session.focus(); // not the button: a key that was on its way presses nothing
    }
    if (!warns && session.open) session.close();
    clearTimeout(waiting);
    if (!over) waiting = setTimeout(warns ? show : look, warns ? 1000 : Math.min((left - warning) * 1000 + 500, 2 ** 31 - 1));
  };
  // Another tab may have gone on: the server knows.
  const look = async () => { await ask("GET"); show(); };
  session.addEventListener("cancel", (event) => event.preventDefault());
  one("[data-stay]", session).addEventListener("click", async () => { if (!await ask("POST")) end = 0; show(); });
  ["keydown", "input", "pointerdown"].forEach((kind) => document.addEventListener(kind, async (event) => {
    if (!event.isTrusted || session.open || Date.now() - told < every) return;
    told = Date.now();
    // A token that went stale with a sign-in elsewhere comes with the answer; the next minute tells it.
    if (await ask("POST") || await ask("GET")) show();
  }, true));
  document.addEventListener("visibilitychange", () => document.hidden || (session.open && look()));
  show();
}

// ---- Sealed answers: out of sight with the tab, and gone when the time is over.
document.addEventListener("visibilitychange", () => {
  all("[data-sealed]").forEach((block) => block.classList.toggle("is-hidden", document.hidden));
});
all("[data-ends-at]").forEach((box) => {
  const data = box.dataset, ahead = Date.parse(data.serverNow) - Date.now();
  let said = 301;
  const tick = () => {
    const left = Math.ceil((Date.parse(data.endsAt) - Date.now() - ahead) / 1000);
    if (left <= 0) return location.replace(data.endedUrl || location.href);
    const parts = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60].map((part) => String(part).padStart(2, "0"));
    one("[role=timer]", box).textContent = parts.slice(left < 3600).join(":");
    const due = [20, 60, 120, 300].find((mark) => left <= mark && mark < said);
    const extends_ = one("[data-extends]");
    if (extends_) extends_.hidden = left > 120;
    if (due) {
      one("[role=status]", box).textContent = data["at" + (said = due)]
        + (extends_ && due < 300 ? ` ${extends_.textContent.trim()}?` : "");
    }
    box.classList.toggle("is-short", left <= 60);
    setTimeout(tick, 1000);
  };
  tick();
  // More time is the server's to give: the page shows what it said, and no more is offered where none was given.
  all("[data-extends]").forEach((form) => form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const before = Date.parse(data.endsAt), button = one("button", form);
    button.disabled = true;
    try {
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
      const until = Date.now() + ahead + (await answer.json()).left * 1000;
      data.endsAt = new Date(until).toISOString();
      said = 301;
      if (until < before + 60000) form.remove();
    } finally {
      button.disabled = false;
    }
  }));
});

// Revoked at once: the page asks whether its answer may still stand, and shows nothing when it may not or nobody answers.
all("[data-standing]").forEach((block) => {
  const { standing, over, lost } = block.dataset, [every, most] = [5000, 3];
  let failures = 0;
  const ask = async () => {
    let left;
    try {
      ({ left } = await (await fetch(standing, { headers: { "X-Timer": "1" }, cache: "no-store" })).json());
      failures = 0;
    } catch (error) {
      failures += 1;
    }
    if (left === 0) {
      block.replaceChildren();
      return location.replace(over);
    }
    if (failures >= most) return block.replaceChildren(make("p", { role: "alert" }, lost));
    setTimeout(ask, every);
  };
  setTimeout(ask, every);
});

// ---- Identity number: a hint while typing (GB 11643); the server decides.
all("input[data-id-number]").forEach((input) => {
  const hint = make("p", { role: "status" });
  const say = (name, value) => (input.dataset[name] || words[name] || "").replace("%s", value);
  const check = (leaving) => {
    const id = input.value.replace(/\s/g, "").toUpperCase();
    const [, year, month, day] = /^\d{6}(\d{4})(\d\d)(\d\d)\d{3}[\dX]$/.exec(id) || [];
    const birth = `${year}-${month}-${day}`, now = new Date().toISOString();
    const sum = Array.from(id.slice(0, 17)).reduce((total, digit, index) => total + digit * 2 ** (17 - index), 0);
    const last = "10X98765432"[sum % 11];
    const born = new Date(birth);
    let text = "", good = false;
    // Another document than an identity card (chosen in the field named beside this one) has no such number.
    const kind = input.form && input.form.elements[input.name.replace("number", "document_type")];
    if (kind && kind.value && kind.value !== "resident_id") { hint.textContent = ""; return; }
    if (!year) text = id && (leaving || id.length > 17) ? say("badLength") : "";
    else if (isNaN(born) || born.toISOString().slice(0, 10) !== birth || birth > now) text = say("badDate");
    else if (id[17] !== last) text = say("badCheck", last);
    else {
      good = true;
      const age = now.slice(0, 4) - year - (now.slice(5, 10) < birth.slice(5));
      text = [say("ok"), birth, say(id[16] % 2 ? "male" : "female"), say("years", age)].join(" · ");
    }
    hint.textContent = text;
    hint.className = good ? "hint is-good" : "hint is-bad";
  };
  input.after(hint);
  input.addEventListener("input", () => check());
  input.addEventListener("change", () => check(true));
  check(true);
});
})();
