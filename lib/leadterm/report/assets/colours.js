// Colours of numbers: a sequential map from 0 for scores, a diverging one around 0 for z.

const DARK = matchMedia("(prefers-color-scheme: dark)");
let printing = false;

function isDark() {
  return DARK.matches && !printing;
}

function parsed(stops) {
  return stops.map((stop) => [1, 3, 5].map((at) => parseInt(stop.slice(at, at + 2), 16)));
}

function mixed(stops, share) {
  const place = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
  const below = Math.min(Math.floor(place), stops.length - 2);
  return stops[below].map((from, channel) => Math.round(from + (stops[below + 1][channel] - from) * (place - below)));
}

function css([red, green, blue]) {
  return `rgb(${red}, ${green}, ${blue})`;
}

// Black or white, whichever stands out more by the contrast ratio of WCAG 2.
function inkOn(rgb) {
  const [red, green, blue] = rgb.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
}

// From a measure and the largest number shown to { rgb, share, ticks }.
function scaleOf(palettes, measure, largest, { asinh, powers }) {
  const diverging = measure === "z";
  const stops = parsed(diverging ? palettes.diverging[isDark() ? "dark" : "light"] : palettes.sequential);
  const end = Math.asinh(largest / asinh);
  const share = (value) => (diverging ? (Math.asinh(value / asinh) / end + 1) / 2 : value / largest);
  return { rgb: (value) => mixed(stops, share(value)), share, stops, ticks: diverging ? ticksOfZ(largest, asinh, powers) : ticksOfScores(largest) };
}

function ticksOfScores(largest) {
  return roundTicks({ low: 0, high: largest });
}

// Powers of ten, those that do not crowd the end, and the end itself.
function ticksOfZ(largest, asinh, powers) {
  const end = Math.asinh(largest / asinh);
  const few = powers.filter((tick) => Math.asinh(tick / asinh) < end * 0.74);
  const ends = [...few.slice(-2), largest];
  return [...ends.map((tick) => -tick).reverse(), 0, ...ends];
}

function legendOf(scale, measure, title) {
  const gradient = Array.from({ length: 33 }, (_, i) => css(mixed(scale.stops, i / 32)));
  const bar = el("div", { class: "bar", "aria-hidden": "true" });
  bar.style.background = `linear-gradient(to right, ${gradient.join(", ")})`;
  const digits = tickDigits(scale.ticks);
  const ticks = scale.ticks.map((value) => {
    const tick = el("span", null, measure === "z" ? shown(value, measure) : tickText(value, digits));
    tick.style.left = `${100 * scale.share(value)}%`;
    return tick;
  });
  return el("div", { class: "legend" }, el("span", { class: "title" }, title), el("div", { class: "scale" }, bar, el("div", { class: "ticks" }, ticks)));
}
