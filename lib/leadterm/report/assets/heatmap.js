// A heatmap is a table: its cells have colours, and it is walked through with the arrow keys.

const WIDE_ENOUGH = 13; // Columns up to which cells hold their numbers.

// panel: { title, note, down, across, rows, columns, value(row, column), tip(row, column) -> [title, lines] }
function heatmap(panel, scale, measure) {
  const withText = panel.columns.length <= WIDE_ENOUGH;
  const body = el("tbody", null, panel.rows.map((name, row) => heatRow(panel, scale, measure, withText, name, row)));
  const label = `${panel.title}, ${panel.note}: ${panel.down} by ${panel.across}. Use the arrow keys to move through the cells.`;
  const grid = el("table", { class: `heat${withText ? " texted" : ""}`, role: "grid", "aria-label": label }, body, axisOf(panel));
  const first = grid.querySelector("td[data-row]");
  if (first) first.tabIndex = 0;
  listen(grid, panel);
  return el(
    "figure",
    { class: "panel" },
    el("figcaption", null, el("strong", null, panel.title), " ", panel.note),
    el("div", { class: "plot" }, el("span", { class: "down", "aria-hidden": "true" }, panel.down), el("div", { class: "fit" }, grid)),
    el("div", { class: "across", "aria-hidden": "true" }, panel.across),
  );
}

function heatRow(panel, scale, measure, withText, name, row) {
  const every = Math.ceil(panel.rows.length / 16);
  const head = el("th", { scope: "row", title: name }, row % every === 0 ? name : el("span", { class: "unseen" }, name));
  const cells = panel.columns.map((_, column) => {
    const value = panel.value(row, column);
    const text = shown(value, measure);
    const cell = el("td", {
      role: "gridcell",
      tabindex: -1,
      "data-row": row,
      "data-column": column,
      "aria-label": `${panel.down} ${name}, ${panel.across} ${panel.columns[column]}: ${Number.isNaN(value) ? "not scored" : text}`,
    });
    if (Number.isNaN(value)) cell.className = "none";
    else {
      const rgb = scale.rgb(value);
      cell.style.backgroundColor = css(rgb);
      cell.style.color = inkOn(rgb);
      if (withText) cell.append(short(value, measure));
    }
    return cell;
  });
  return el("tr", null, head, cells);
}

function short(value, measure) {
  if (measure === "z") return shown(value, "z").replace(/(\d),(\d)\d\d$/, "$1.$2k");
  const text = value.toFixed(2).replace("-", "−");
  return text.replace(/^(−?)0\./, "$1.");
}

// Labels of columns, as many as there is room for.
function axisOf(panel) {
  const longest = Math.max(...panel.columns.map((name) => name.length));
  const every = Math.ceil((panel.columns.length * (longest * 7 + 10)) / (innerWidth < 700 ? 230 : 420));
  const heads = panel.columns.map((name, column) => {
    const seen = column % every === 0;
    return el("th", { scope: "col", title: name }, el("span", { class: seen ? "tick" : "unseen" }, name));
  });
  return el("tfoot", null, el("tr", null, el("td", { class: "corner" }), heads));
}

function listen(grid, panel) {
  const cellOf = (event) => event.target.closest?.("td[data-row]");
  const tell = (cell) => showTip(cell, ...panel.tip(Number(cell.dataset.row), Number(cell.dataset.column)));
  grid.addEventListener("pointerover", (event) => cellOf(event) && tell(cellOf(event)));
  grid.addEventListener("pointerleave", hideTip);
  grid.addEventListener("focusin", (event) => cellOf(event) && tell(cellOf(event)));
  grid.addEventListener("focusout", hideTip);
  grid.addEventListener("keydown", (event) => {
    const cell = cellOf(event);
    if (event.key === "Escape") hideTip();
    const next = cell && neighbour(event, Number(cell.dataset.row), Number(cell.dataset.column), panel);
    if (!next) return;
    event.preventDefault();
    cell.tabIndex = -1;
    const target = grid.tBodies[0].rows[next[0]].cells[next[1] + 1];
    target.tabIndex = 0;
    target.focus();
  });
}

function neighbour(event, row, column, panel) {
  const [lastRow, lastColumn] = [panel.rows.length - 1, panel.columns.length - 1];
  const moves = {
    ArrowLeft: [row, Math.max(0, column - 1)],
    ArrowRight: [row, Math.min(lastColumn, column + 1)],
    ArrowUp: [Math.max(0, row - 1), column],
    ArrowDown: [Math.min(lastRow, row + 1), column],
    Home: [event.ctrlKey ? 0 : row, 0],
    End: [event.ctrlKey ? lastRow : row, lastColumn],
    PageUp: [0, column],
    PageDown: [lastRow, column],
  };
  return moves[event.key];
}
