// Scores against the null: a curve for each component, over steps or over layers, beside both nulls.

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
    ? `In the band, between −${this.band} and ${this.band}, a score does not stand out from the null.`
    : "The band shows the null: mean and two standard deviations over all permutations of the checkpoint’s tokens.";
  const second = model.hasShuffled ? " The dashed line is the other null: the corpus with its tokens shuffled." : "";
  return el(
    "div",
    { class: "group", "data-figure": "curves" },
    el("div", { class: "head" }, el("h3", null, model.isSweep ? "Against the null, step by step" : "Against the null, layer by layer"), model.isSweep ? this.layerChoice("layer", layers) : null, this.links(isDrawn ? "curves" : "-")),
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
  const colours = isDark() ? this.palettes.lines_dark : this.palettes.lines;
  const key = { colour: colours[0], bandName: this.names.band };
  const panel = { title: component, note: this.components[component], across, places, transform: (value) => value, text: (value) => shown(value, state.measure) };
  panel.tip = (place) => model.told(series, ...cellOf(place));
  const other = number(state.measure === "z" ? Z : SCORE, !state.shuffled);
  const second = other.some(Number.isFinite)
    ? [{ name: state.shuffled ? "corpus as it is" : this.names.shuffled, values: other, colour: colours[1], dash: "6 4" }]
    : [];
  if (state.measure === "z") {
    const transform = (value) => Math.asinh(value / this.asinh);
    const ticks = ({ low, high }) => [0, ...[this.band, ...this.powers].flatMap((tick) => [-tick, tick])].filter((tick) => transform(tick) >= low && transform(tick) <= high);
    const tickText = (tick) => (tick === 0 ? "0" : `${tick < 0 ? "−" : "+"}${grouped(Math.abs(tick))}`);
    const band = [-this.band, this.band].map((end) => places.map(() => end));
    const lines = [{ name: this.measures.z, values: number(Z, state.shuffled), band, ...key }, ...second];
    return { ...panel, transform, ticks, tickText, floor: transform(-this.least.z), ceiling: transform(this.least.z), lines };
  }
  const [mean, sd] = [number(NULL_MEAN, state.shuffled), number(NULL_SD, state.shuffled)];
  const band = [mean.map((value, i) => value - this.band * sd[i]), mean.map((value, i) => value + this.band * sd[i])];
  const lines = [{ name: this.measures[state.measure], values: number(SCORE, state.shuffled), band, ...key }, ...second];
  return { ...panel, floor: 0, ceiling: this.least[state.measure], lines };
};
