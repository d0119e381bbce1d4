// Elements with text that stays text: nothing here, or elsewhere, sets HTML.

function fill(element, properties, children) {
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

function el(name, properties, ...children) {
  return fill(document.createElement(name), properties, children);
}

function svg(name, properties, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), properties, children);
}

let numbered = 0;
function unique(stem) {
  numbered += 1;
  return `${stem}-${numbered}`;
}

function choice(label, options, selected, onchange) {
  const select = el("select", { onchange: (event) => onchange(event.target.value) });
  for (const [value, text] of options) select.append(el("option", { value, selected: value === selected }, text));
  return el("label", { class: "choice" }, el("span", null, label), select);
}

// Where the files of a figure lie, beside the page.
function fileLinks(stem) {
  const link = (kind) => el("a", { href: `${stem}.${kind}` }, kind.toUpperCase());
  return el("span", { class: "links" }, "as a file: ", link("svg"), " ", link("png"));
}

// Replace elements; the choice that had the focus has it again.
function keepingFocus(replace) {
  const all = () => [...document.querySelectorAll(".choice select")];
  const nth = (label, within) => within.filter((select) => select.parentElement.textContent.startsWith(label));
  const had = document.activeElement;
  const label = had?.matches?.(".choice select") ? had.parentElement.firstChild.textContent : null;
  const place = label === null ? -1 : nth(label, all()).indexOf(had);
  replace();
  if (place >= 0 && !had.isConnected) nth(label, all())[place]?.focus({ preventScroll: true });
}

function segments(label, options, selected, onchange) {
  const name = unique("segment");
  const parts = options.map(([value, text]) => {
    const input = el("input", { type: "radio", name, value, checked: value === selected, onchange: () => onchange(value) });
    return el("label", null, input, el("span", null, text));
  });
  return el("fieldset", { class: "segments" }, el("legend", null, label), el("div", null, parts));
}

// A table that is made when it is opened.
function numbers(title, head, rows) {
  const details = el("details", { class: "numbers" }, el("summary", null, title));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(el("div", { class: "scroll", tabindex: 0 }, table(head, rows())));
  });
  return details;
}

function table(head, rows) {
  const cell = (value, index) => el(index === 0 ? "th" : "td", index === 0 ? { scope: "row" } : null, value);
  return el(
    "table",
    { class: "plain" },
    el("thead", null, el("tr", null, head.map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", null, rows.map((row) => el("tr", null, row.map(cell)))),
  );
}

// A small window beside what the pointer or the keyboard is on; it goes along when the page moves.
let tipped = null;
function showTip(target, title, lines) {
  const tip = document.getElementById("tip");
  tip.replaceChildren(
    el("strong", null, title),
    el("dl", null, lines.map(([name, value]) => el("div", null, el("dt", null, name), el("dd", null, value)))),
  );
  tip.hidden = false;
  tipped = target;
  placeTip();
}

function placeTip() {
  if (tipped === null) return;
  const tip = document.getElementById("tip");
  const [at, size] = [tipped.getBoundingClientRect(), tip.getBoundingClientRect()];
  const left = Math.min(Math.max(8, at.left + at.width / 2 - size.width / 2), document.documentElement.clientWidth - size.width - 8);
  const above = at.top - size.height - 10;
  tip.style.left = `${left}px`;
  tip.style.top = `${above > 8 ? above : at.bottom + 10}px`;
}

function hideTip() {
  tipped = null;
  document.getElementById("tip").hidden = true;
}
