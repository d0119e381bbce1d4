// Lines over ordered places (steps or layers), each beside the band of the null.

const SIZE = { height: 250, left: 68, right: 12, top: 12, bottom: 40 };
const DASHES = ["", "7 3", "2 3", "8 3 2 3", "12 4", "1 4"];

// In units of the picture, which is as wide as its panel: fewer where the window is narrow, so that text stays readable.
function widthOf(panel) {
  if (innerWidth < 700) return 360;
  return panel.wide ? Math.min(1120, innerWidth - 70) : 520;
}

// panel: { title, note, across, places, lines: [{ name, values, colour, dash, band: [low, high], plain }], text(value) }
// and, where places do not lie evenly: shares of the width for each, and marks: [[share, text]] below the axis.
function chart(panel) {
  const range = rangeOf(panel);
  const width = widthOf(panel);
  const last = panel.places.length - 1;
  const shares = panel.shares ?? panel.places.map((_, place) => (last === 0 ? 0.5 : place / last));
  const along = (share) => SIZE.left + (width - SIZE.left - SIZE.right) * share;
  const x = (place) => along(shares[place]);
  const marks = panel.marks ?? panel.places.map((name, place) => [shares[place], name]);
  const y = (value) => SIZE.top + (SIZE.height - SIZE.top - SIZE.bottom) * (1 - (panel.transform(value) - range.low) / (range.high - range.low));
  const cursor = svg("line", { class: "cursor", y1: SIZE.top, y2: SIZE.height - SIZE.bottom, visibility: "hidden" });
  const picture = svg(
    "svg",
    { viewBox: `0 0 ${width} ${SIZE.height}`, role: "img", tabindex: 0, "aria-label": `${panel.title}, ${panel.note}, by ${panel.across}. Use the left and right arrow keys to move through it; the numbers are in the table below.` },
    axes(panel, range, width, marks.map(([share, name]) => [along(share), name]), y),
    panel.lines.map((line) => bandOf(line, x, y)),
    panel.lines.map((line) => lineOf(line, x, y, panel.transform)),
    cursor,
  );
  walk(picture, cursor, panel, panel.places.map((_, place) => x(place)), width);
  const key = panel.lines.length > 1 || panel.lines.some((line) => line.band) ? keyOf(panel) : null;
  return el("figure", { class: "panel" }, el("figcaption", null, el("strong", null, panel.title), " ", panel.note), picture, key);
}

function rangeOf(panel) {
  const values = panel.lines.flatMap((line) => [...line.values, ...(line.band ? [...line.band[0], ...line.band[1]] : [])]);
  const finite = values.map(panel.transform).filter(Number.isFinite);
  const [least, most] = [Math.min(panel.floor ?? Infinity, ...finite), Math.max(panel.ceiling ?? -Infinity, ...finite)];
  const room = (most - least || Math.abs(most) || 1) * 0.06;
  return { low: panel.floor === least ? least : least - room, high: most + room };
}

function axes(panel, range, width, marks, y) {
  const ticks = panel.ticks ? panel.ticks(range) : roundTicks(range);
  const digits = tickDigits(ticks);
  const every = Math.ceil((marks.length * (Math.max(...marks.map(([, name]) => name.length)) * 7 + 8)) / (width - 90));
  return [
    ticks.map((tick) => svg("line", { class: "rule", x1: SIZE.left, x2: width - SIZE.right, y1: y(tick), y2: y(tick) })),
    ticks.map((tick) => svg("text", { class: "tick", x: SIZE.left - 7, y: y(tick) + 4, "text-anchor": "end" }, panel.tickText ? panel.tickText(tick) : tickText(tick, digits))),
    marks.map(([at, name], place) =>
      place % every === 0 ? svg("text", { class: "tick", x: Math.min(at, width - 3.7 * name.length), y: SIZE.height - SIZE.bottom + 16, "text-anchor": "middle" }, name) : null,
    ),
    svg("text", { class: "tick", x: (SIZE.left + width - SIZE.right) / 2, y: SIZE.height - 5, "text-anchor": "middle" }, panel.across),
  ];
}

function roundTicks({ low, high }, parts = 4) {
  const rough = (high - low) / parts;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

// As many digits after the point as tell neighbouring ticks apart.
function tickDigits(ticks) {
  const step = Math.abs(ticks[1] - ticks[0]) || 1;
  return Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
}

function tickText(tick, digits) {
  if (digits > 6) return tick === 0 ? "0" : tick.toExponential(0).replace("-", "−").replace("e-", "e−");
  return tick.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−");
}

function bandOf(line, x, y) {
  if (!line.band) return null;
  const places = [...line.band[0].keys()].filter((i) => Number.isFinite(line.band[0][i]) && Number.isFinite(line.band[1][i]));
  if (places.length === 0) return null;
  const there = places.map((i) => `${x(i)},${y(line.band[1][i])}`);
  const back = places.reverse().map((i) => `${x(i)},${y(line.band[0][i])}`);
  return svg("polygon", { class: "band", points: [...there, ...back].join(" ") });
}

function lineOf(line, x, y, transform) {
  const points = [...line.values.entries()].filter(([, value]) => Number.isFinite(transform(value)));
  const path = svg("polyline", { class: "line", points: points.map(([i, value]) => `${x(i)},${y(value)}`).join(" "), "stroke-dasharray": line.dash ?? "" });
  path.style.stroke = line.colour;
  const dots = line.plain || points.length > 40 ? [] : points.map(([i, value]) => svg("circle", { class: "dot", cx: x(i), cy: y(value), r: 2.6 }));
  for (const dot of dots) dot.style.fill = line.colour;
  return [path, ...dots];
}

function keyOf(panel) {
  const entries = panel.lines.map((line) => {
    const stroke = svg("line", { x1: 0, x2: 24, y1: 6, y2: 6, "stroke-width": 2, "stroke-dasharray": line.dash ?? "" });
    stroke.style.stroke = line.colour;
    return el("li", null, svg("svg", { viewBox: "0 0 24 12", width: 24, height: 12, "aria-hidden": "true" }, stroke), line.name);
  });
  const band = panel.lines.find((line) => line.band);
  if (band) entries.push(el("li", null, el("span", { class: "swatch", "aria-hidden": "true" }), band.bandName));
  return el("ul", { class: "key" }, entries);
}

// xs: where each place lies.
function walk(picture, cursor, panel, xs, width) {
  let at = 0;
  const go = (place) => {
    at = Math.min(Math.max(0, place), panel.places.length - 1);
    for (const end of ["x1", "x2"]) cursor.setAttribute(end, xs[at]);
    cursor.setAttribute("visibility", "visible");
    showTip(cursor, `${panel.across} ${panel.places[at]}`, panel.tip(at));
  };
  const stop = () => {
    cursor.setAttribute("visibility", "hidden");
    hideTip();
  };
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const distances = xs.map((x) => Math.abs(x - ((event.clientX - box.left) / box.width) * width));
    go(distances.indexOf(Math.min(...distances)));
  });
  picture.addEventListener("pointerleave", stop);
  picture.addEventListener("focus", () => picture.matches(":focus-visible") && go(at));
  picture.addEventListener("blur", stop);
  picture.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: panel.places.length - 1 };
    if (!(event.key in moves)) return;
    event.preventDefault();
    go(moves[event.key]);
  });
}
