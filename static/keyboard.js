"use strict";
// Keyboard: keys open and move, they never commit; the dialog behind "?" lists them and can switch them off.
// Matched on event.code, because a Chinese input method changes event.key.
(() => {
// Their owner has switched single keys off for all computers (My security).
const isOff = document.body.dataset.keys === "off";
const all = (selector) => Array.from(document.querySelectorAll(selector));
const one = (selector, root = document) => root.querySelector(selector);

const useKeys = one("[data-use-keys]");
if (useKeys) {
  useKeys.checked = localStorage.keys !== "off";
  useKeys.onchange = () => { localStorage.keys = useKeys.checked ? "on" : "off"; };
}
const moveRow = (step) => {
  const rows = all("table[data-rows] tbody tr"), now = rows.indexOf(one("tr.is-current"));
  const row = rows[Math.max(0, Math.min(rows.length - 1, now + step))];
  rows.forEach((each) => each.classList.toggle("is-current", each === row));
  return press(row && one("a", row), true);
};
const press = (target, focusOnly) => {
  if (!target) return false;
  if (target.matches("details")) {
    target.open = true;
    target = one("input:not([type=hidden]), select, textarea, button", target) || target;
    focusOnly = true;
  }
  if (focusOnly || target.matches("[type=search], [type=text]")) target.focus();
  else target.click();
  return true;
};
let going = 0;
document.addEventListener("keydown", (event) => {
  const { code = "", target } = event;
  const key = { BracketLeft: "[", BracketRight: "]", Slash: "/", Period: "." }[code] || code.replace(/^Key|^Digit/, "").toLowerCase();
  const row = "table[data-rows] tr.is-current ";
  let done = false;
  // While an input method composes, keys are not ours.
  if (event.isComposing || event.keyCode === 229) return;
  if (event.altKey && key === "s") done = press(one("[data-save]"));
  else if (event.ctrlKey && code === "Enter" && target.form) {
    done = true;
    target.form.requestSubmit(one("button.primary:enabled", target.form));
  } else if (event.altKey || event.ctrlKey || event.metaKey || key.length > 1 || isOff || !useKeys || !useKeys.checked || one("dialog[open]")
    || target.matches("textarea, select, input:not([type=checkbox]):not([type=radio])")) return;
  else if (event.shiftKey) done = key === "/" && press(one("[data-opens-dialog=shortcuts]"));
  else if (Date.now() - going < 1500) done = press(one(`[data-go="${key}"]`), going = 0);
  else if (key === "g") going = Date.now();
  else if (key === "j" || key === "k") done = moveRow(key === "j" ? 1 : -1);
  else done = press(one({ o: row + "a", x: row + "[type=checkbox]" }[key] || `[data-key="${key}"]`));
  if (done) event.preventDefault();
});
})();
