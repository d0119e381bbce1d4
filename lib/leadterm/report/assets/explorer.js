// Type a word, see its strongest associations under each basis function; answered from the page's own data.

const SUGGESTIONS = 12;
const CENTRINGS = [["uniform", "as the theory defines them"], ["frequency", "beyond what frequency explains"]];

class Explorer {
  constructor(data) {
    Object.assign(this, data);
    this.names = data.raw.map((raw, place) => data.shown[place] ?? raw);
    this.keys = this.names.slice(0, data.asked).map(keyOfName);
    this.views = data.views.map((view) => ({ ...view, ids: unpack(view.ids), scores: unpack(view.scores) }));
    this.centring = "uniform";
    this.build();
  }

  build() {
    const list = unique("suggestions");
    this.list = el("ul", { id: list, role: "listbox", "aria-label": "Tokens", hidden: true });
    this.input = el("input", { id: "word", type: "text", role: "combobox", autocomplete: "off", autocapitalize: "off", spellcheck: "false", "aria-expanded": "false", "aria-controls": list, "aria-autocomplete": "list", placeholder: "type a token" });
    this.answer = el("div", { class: "answer", "aria-live": "polite" });
    this.input.addEventListener("input", () => this.suggest());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => this.close());
    this.input.addEventListener("focus", () => this.input.select());
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => event.target.closest("li") && this.choose(Number(event.target.closest("li").dataset.token)));
    const examples = this.startsWith();
    this.section = el(
      "section",
      { id: "explorer", "aria-labelledby": "explorer-title" },
      el("h2", { id: "explorer-title" }, "Explorer"),
      el("p", null, `The strongest associations of each of the ${grouped(this.asked)} most frequent tokens, of ${grouped(this.vocabulary)}, under every basis function. `
        + "Numbers are matrix entries; ␣ marks a space."),
      el("div", { class: "controls" },
        el("div", { class: "search" }, el("label", { for: "word" }, "Token"), el("div", { class: "box" }, this.input, this.list)),
        segments("Centring", CENTRINGS, this.centring, (value) => { this.centring = value; this.show(this.token); })),
      examples.length ? el("p", { class: "examples" }, "Try ", examples.map((token) => this.link(token))) : null,
      this.answer,
    );
    if (this.asked > 0) this.show(examples[0] ?? 0);
  }

  startsWith() {
    const wanted = this.examples.map((name) => this.find(name)).filter((token) => token >= 0);
    if (wanted.length > 0) return wanted.slice(0, 8);
    const words = [...this.keys.keys()].filter((token) => /^\p{L}{4,}$/u.test(this.keys[token]));
    return (words.length > 60 ? words.slice(40) : words).slice(0, 6);
  }

  // The token that a text names exactly: as spelled, as shown, with another spelling of a space, or by its letters.
  find(text) {
    for (const [names, typed] of [[this.raw, text], [this.names, text], [this.names, markedOf(text)]]) {
      const place = names.slice(0, this.asked).indexOf(typed);
      if (place >= 0) return place;
    }
    return this.keys.indexOf(keyOfName(text));
  }

  matches(text) {
    const key = keyOfName(text);
    if (key === "") return [];
    const exact = this.find(text);
    const ranked = [exact].filter((token) => token >= 0);
    const add = (test) => {
      for (let token = 0; token < this.asked && ranked.length < SUGGESTIONS; token += 1) {
        if (test(this.keys[token], token) && !ranked.includes(token)) ranked.push(token);
      }
    };
    add((name) => name === key);
    add((name, token) => name.startsWith(key) || this.raw[token].startsWith(text));
    add((name) => name.includes(key));
    return ranked;
  }

  suggest() {
    this.found = this.matches(this.input.value);
    this.active = -1;
    this.list.replaceChildren(...this.found.map((token) =>
      el("li", { id: `option-${token}`, role: "option", "data-token": token, "aria-selected": "false" }, tokenText(this.names[token]), el("span", { class: "count" }, grouped(this.counts[token]))),
    ));
    this.open(this.found.length > 0);
  }

  open(isOpen) {
    this.list.hidden = !isOpen;
    this.input.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) this.input.removeAttribute("aria-activedescendant");
  }

  close() {
    this.open(false);
  }

  key(event) {
    if (event.key === "Escape") this.close();
    else if (event.key === "Enter") this.enter();
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (this.list.hidden) this.suggest();
      this.move(event.key === "ArrowDown" ? 1 : -1);
    }
  }

  move(by) {
    const options = [...this.list.children];
    if (options.length === 0) return;
    this.active = (this.active + by + options.length + (this.active < 0 && by < 0 ? 1 : 0)) % options.length;
    options.forEach((option, place) => option.setAttribute("aria-selected", String(place === this.active)));
    this.input.setAttribute("aria-activedescendant", options[this.active].id);
    options[this.active].scrollIntoView({ block: "nearest" });
  }

  enter() {
    const chosen = this.active >= 0 && !this.list.hidden ? this.found[this.active] : this.matches(this.input.value)[0];
    if (chosen !== undefined) this.choose(chosen);
    else if (this.input.value !== "") this.missing(this.input.value);
  }

  choose(token) {
    this.close();
    this.input.value = this.names[token];
    this.show(token);
  }

  missing(text) {
    this.answer.replaceChildren(el("p", { class: "missing" }, "No token ", tokenText(text), ` is among the ${grouped(this.asked)} most frequent ones. For rarer tokens, use the command leadterm show.`));
  }

  show(token) {
    this.token = token;
    const cards = this.views.filter((view) => view.centring === this.centring).map((view) => this.card(view, token));
    this.answer.replaceChildren(
      el("h3", { class: "asked" }, tokenText(this.names[token]), el("span", { class: "count" }, `${grouped(this.counts[token])} times in the corpus`)),
      el("div", { class: "cards" }, cards),
    );
  }

  card(view, token) {
    const k = view.scores.length / this.asked;
    const places = Array.from({ length: k }, (_, i) => token * k + i).filter((place) => view.scores[place] > 0);
    const largest = places.length ? view.scores[places[0]] : 1;
    const rows = places.map((place) => {
      const bar = el("span", { class: "strength", "aria-hidden": "true" });
      bar.style.width = `${(100 * view.scores[place]) / largest}%`;
      return el("li", null, bar, this.link(view.ids[place]), el("span", { class: "score" }, significant(view.scores[place])));
    });
    const title = el("h4", null, view.name, el("span", null, view.meaning));
    return el("div", { class: "card", "data-view": view.name }, title, rows.length ? el("ol", null, rows) : el("p", { class: "missing" }, "No positive entries."));
  }

  link(token) {
    if (token >= this.asked) return el("span", { class: "token" }, tokenText(this.names[token]));
    return el("button", { class: "token", type: "button", onclick: () => this.choose(token) }, tokenText(this.names[token]));
  }
}

// What is typed, with the page's marks for spaces, however these are written: ␣, Ġ, ▁, or an escape such as \n.
function markedOf(text) {
  return text.replace(/[ Ġ▁]/gu, "␣").replace(/Ċ|\\n/gu, "⏎").replace(/ĉ|\\t/gu, "⇥");
}

// What is typed for a token: no marks, small letters.
function keyOfName(name) {
  return markedOf(name).replace(/^[␣\s]+/u, "").replaceAll("␣", " ").toLowerCase();
}

// A name, with its marks for spaces set apart.
function tokenText(name) {
  return el("bdi", null, name.split(/(␣|⏎|⇥)/).filter((part) => part !== "").map((part) => (/^[␣⏎⇥]$/.test(part) ? el("span", { class: "mark" }, part) : part)));
}
