// What the run consists of, and every setting that made it.

function tilesOf(accounts) {
  return el("dl", { class: "tiles" }, accounts.facts.map(([name, number, note]) => el("div", null, el("dt", null, name), el("dd", null, grouped(number), el("small", null, note)))));
}

function noticeOf(accounts, hasAlignment) {
  const notes = accounts.notes.map((note) => el("li", null, el("strong", null, note.title), el("span", null, note.text)));
  const dropped = accounts.dropped.filter(([, number]) => number > 0);
  if (dropped.length) {
    const told = dropped.map(([reason, number]) => `${grouped(number)} ${reason}`).join(", ");
    notes.push(el("li", null, el("strong", null, "Documents were dropped"), el("span", null, `${told}.`)));
  }
  if (hasAlignment) {
    notes.push(el("li", null, el("strong", null, "Raw scores have a high null"), el("span", null, "They are high even for randomly permuted tokens, because all tokens share some directions. Compare each with its null; z says how far a score is above it.")));
  }
  if (notes.length === 0) return null;
  return el("section", { class: "notice", "aria-labelledby": "notice-title" }, el("h2", { id: "notice-title" }, "Read this first"), el("ul", null, notes));
}

function accountsSection(accounts) {
  const dropped = accounts.dropped.filter(([, number]) => number > 0).map(([reason, number]) => `${grouped(number)} ${reason}`);
  const rest = accounts.more_sources ? el("p", null, `and ${grouped(accounts.more_sources)} more, in the run’s product sources.`) : null;
  return el(
    "section",
    { id: "accounts", "aria-labelledby": "accounts-title" },
    el("h2", { id: "accounts-title" }, "Sources and settings"),
    el("p", null, accounts.dropped.length ? `Dropped documents: ${dropped.join(", ") || "none"}.` : ""),
    accounts.sources.length
      ? el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Source files" }, table(["source", "bytes", "rows", "SHA-256"], accounts.sources.map(([path, bytes, rows, hash]) => [path, bytes === null ? "–" : grouped(bytes), rows === null ? "–" : grouped(rows), hashText(hash)])))
      : null,
    rest,
    el("h3", null, "Products and their settings"),
    el("p", null, "Each product is a folder of the run. Its hash covers its files: equal hashes mean equal bytes."),
    el("div", { class: "products" }, accounts.products.map(productOf)),
  );
}

function productOf(product) {
  const part = (title, pairs) => (pairs.length ? [el("h4", null, title), el("dl", null, pairs.map(([name, value]) => el("div", null, el("dt", null, name), el("dd", null, hashText(value)))))] : null);
  return el(
    "details",
    null,
    el("summary", null, el("span", { class: "name" }, product.name), el("span", { class: "about" }, `${grouped(product.files)} ${product.files === 1 ? "file" : "files"}, ${sizeText(product.bytes)}`), hashText(product.hash)),
    el("div", { class: "inside" }, part("settings", product.settings), part("counts", product.counts), part("made from", product.made_from), el("p", null, `by leadterm ${product.version}`)),
  );
}

function hashText(value) {
  if (!/^[0-9a-f]{40,}$/.test(value ?? "")) return value ?? "–";
  return el("code", { class: "hash", title: value }, `${value.slice(0, 12)}…`);
}

function sizeText(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  const [size, unit] = bytes < 1e6 ? [bytes / 1e3, "kB"] : bytes < 1e9 ? [bytes / 1e6, "MB"] : [bytes / 1e9, "GB"];
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${unit}`;
}
