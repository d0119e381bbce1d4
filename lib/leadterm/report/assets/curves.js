// Scores against chance: a curve for each component, over steps or over layers, beside both nulls.

Alignment.prototype.curves = function curves() {
  const { model, state } = this;
  const places = model.isSweep ? model.labels : model.layers.map(String);
  const across = model.isSweep ? "step" : "layer";
  const cellOf = model.isSweep ? (place) => [place, state.layer] : (place) => [0, place];
  const panels = this.scored().map((component) => this.curve(component, across, places, cellOf));
  if (panels.length === 0) return null;
  const layers = placesOf(model.layers);
  const isDrawn = state.predictor === PAIRING && (!model.isSweep || state.layer === middleOf(layers));
  const text = state.measure === "z"
    ? "In the band, between −2 and 2, a score is no larger than chance makes it."
    : "The band is what chance gives: mean and two standard deviations over all permutations of the checkpoint’s tokens.";
  const second = model.hasShuffled ? " The dashed line is the other null: the corpus with its tokens shuffled." : "";
  return el(
    "div",
    { class: "group", "data-figure": "curves" },
    el("div", { class: "head" }, el("h3", null, model.isSweep ? "Against chance, step by step" : "Against chance, layer by layer"), model.isSweep ? this.layerChoice("layer", layers) : null, this.links(isDrawn ? "curves" : "-")),
    el("p", null, text + second),
    el("div", { class: "panels" }, panels.map((panel) => chart(panel))),
    numbers("Numbers of these figures", [across, "of", ...NUMBER_HEADS], () =>
      panels.flatMap((panel) => places.map((name, place) => [name, panel.title, ...numbersOf(model, this.series(panel.title), ...cellOf(place))]))),
  );
};

Alignment.prototype.curve = function curve(component, across, places, cellOf) {
  const { model, state } = this;
  const series = this.series(component);
  const number = (which, shuffled) => places.map((_, place) => model.at({ ...series, shuffled, metric: state.measure === "z" ? "centred" : state.measure }, which, ...cellOf(place)));
  const colour = isDark() ? "#7fb6ff" : this.palettes.lines[0];
  const panel = { title: component, note: this.components[component], across, places, transform: (value) => value, text: (value) => shown(value, state.measure) };
  panel.tip = (place) => model.told(series, ...cellOf(place));
  const other = number(state.measure === "z" ? Z : SCORE, !state.shuffled);
  const second = other.some(Number.isFinite)
    ? [{ name: state.shuffled ? "corpus as it is" : "corpus shuffled", values: other, colour: isDark() ? "#ffb270" : this.palettes.lines[1], dash: "6 4" }]
    : [];
  if (state.measure === "z") {
    const transform = (value) => Math.asinh(value / this.asinh);
    const ticks = ({ low, high }) => [-1000, -100, -10, -2, 0, 2, 10, 100, 1000, 10000].filter((tick) => transform(tick) >= low && transform(tick) <= high);
    const tickText = (tick) => (tick === 0 ? "0" : `${tick < 0 ? "−" : "+"}${grouped(Math.abs(tick))}`);
    const band = [-2, 2].map((end) => places.map(() => end));
    const lines = [{ name: this.measures.z, values: number(Z, state.shuffled), colour, band, bandName: "by chance, ±2 sd" }, ...second];
    return { ...panel, transform, ticks, tickText, floor: transform(-5), ceiling: transform(5), lines };
  }
  const [mean, sd] = [number(NULL_MEAN, state.shuffled), number(NULL_SD, state.shuffled)];
  const band = [mean.map((value, i) => value - 2 * sd[i]), mean.map((value, i) => value + 2 * sd[i])];
  const lines = [{ name: this.measures[state.measure], values: number(SCORE, state.shuffled), colour, band, bandName: "by chance, ±2 sd" }, ...second];
  return { ...panel, floor: 0, ceiling: this.least[state.measure] === 1 ? 1 : 0.01, lines };
};
