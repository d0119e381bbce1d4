// The section about checkpoints: what is chosen, and the figures that follow from it.

const PAIRING = "paper";
const EXPLAINED = {
  raw: "The paper’s score: the cosine of two covariances, between 0 and 1. A direction shared by all tokens makes it high "
    + "without any association, so a high raw score alone says little: compare it with its null.",
  centred: "The score after centring rows and columns of both covariances (linear CKA). Its "
    + "values are lower, and so is its null.",
  z: "How many standard deviations the centred score is above the mean of its null: all permutations of the "
    + "checkpoint’s tokens. This says how clearly a score exceeds the null, not how large it is. The colour scale is logarithmic beyond ±2.",
};

class Alignment {
  constructor(data, palettes) {
    Object.assign(this, data);
    this.palettes = palettes;
    this.models = data.models.map((model) => new Scores(model));
    this.controls = el("div", { class: "controls", role: "group", "aria-label": "What the figures show" });
    this.explained = el("p", { class: "explained", "aria-live": "polite" });
    this.printed = el("p", { class: "printed" });
    this.figuresPlace = el("div", { class: "figures" });
    this.take(0);
    this.section = el(
      "section",
      { id: "alignment", "aria-labelledby": "alignment-title" },
      el("h2", { id: "alignment-title" }, "Alignment with checkpoints"),
      el("p", null, "How well a checkpoint’s representation of each token agrees with the corpus, layer by layer. Attention (qk) is compared "
        + "with Q̄ and the residual streams with V̄, as in the paper, or each with a basis function of your choice."),
      this.controls,
      this.printed,
      this.explained,
      this.figuresPlace,
    );
  }

  // Start over with a model.
  take(number) {
    this.number = number;
    this.model = this.models[number];
    this.state = { measure: "centred", predictor: PAIRING, shuffled: false, layer: middleOf(placesOf(this.model.layers)), headLayer: middleOf(this.model.headLayers()), revision: this.model.revisions.length - 1 };
    this.draw();
  }

  set(key, value) {
    this.state[key] = value;
    this.drawFigures();
  }

  draw() {
    const { model, state } = this;
    const named = model.predictors(this.predictors).map((name) => [name, this.predictors[name] ?? name]);
    const parts = [
      segments("Show", [["raw", "raw"], ["centred", "centred"], ["z", "z"]], state.measure, (value) => this.set("measure", value)),
      choice("against", [[PAIRING, "the paper’s: Q̄ and V̄"], ...named], state.predictor, (value) => this.set("predictor", value)),
    ];
    if (this.models.length > 1) {
      const names = this.models.map((one, place) => [String(place), one.name]);
      parts.unshift(choice("Model", names, String(this.number), (value) => this.take(Number(value))));
    }
    if (model.hasShuffled) {
      parts.push(segments("corpus", [["no", "as it is"], ["yes", "tokens shuffled"]], "no", (value) => this.set("shuffled", value === "yes")));
    }
    keepingFocus(() => this.controls.replaceChildren(...parts));
    this.drawFigures();
  }

  drawFigures() {
    const { model, state } = this;
    this.explained.textContent = EXPLAINED[state.measure]
      + (state.shuffled ? " This is the second null: the same checkpoint against the corpus with its tokens shuffled, which keeps frequencies and nothing else." : "");
    const against = state.predictor === PAIRING ? "the paper’s predictors" : this.predictors[state.predictor] ?? state.predictor;
    this.printed.textContent = `${model.name} against ${against}: ${this.measures[state.measure]}.`;
    const groups = model.isSweep
      ? [this.bySteps(), this.curves(), this.byPredictors(), this.byHeads(), this.headsByStep()]
      : [this.curves(), this.byPredictors(), this.byHeads()];
    keepingFocus(() => this.figuresPlace.replaceChildren(...groups.filter(Boolean)));
  }

  predictorOf(component) {
    return this.state.predictor === PAIRING ? this.paper[component] : this.state.predictor;
  }

  scored() {
    return Object.keys(this.components).filter((name) => this.model.has(name, this.predictorOf(name)));
  }

  series(component, head = null, predictor = this.predictorOf(component)) {
    return { component, head, predictor, shuffled: this.state.shuffled };
  }

  // A heatmap whose cells are given by a function from row and column to [series, revision, layer].
  panel(title, note, down, across, rows, columns, cellOf) {
    const { model, state } = this;
    return {
      title, note, down, across, rows, columns, cellOf,
      value: (row, column) => model.measured(cellOf(row, column)[0], state.measure, ...cellOf(row, column).slice(1)),
      tip: (row, column) => [`${down} ${rows[row]}, ${across} ${columns[column]}`, model.told(...cellOf(row, column))],
    };
  }

  group(kind, title, text, panels, key, extra) {
    const { measure } = this.state;
    const kept = panels.filter((panel) => panel.rows.some((_, row) => panel.columns.some((__, column) => !Number.isNaN(panel.value(row, column)))));
    if (kept.length === 0) return null;
    const values = kept.flatMap((panel) => panel.rows.flatMap((_, row) => panel.columns.map((__, column) => panel.value(row, column))));
    const largest = Math.max(this.least[measure], ...values.filter(Number.isFinite).map(Math.abs));
    const scale = scaleOf(this.palettes, measure, largest, this);
    return el(
      "div",
      { class: "group", "data-figure": kind },
      el("div", { class: "head" }, el("h3", null, title), extra, this.links(key)),
      el("p", null, text),
      legendOf(scale, measure, this.measures[measure]),
      el("div", { class: "panels" }, kept.map((panel) => heatmap(panel, scale, measure))),
      numbers("Numbers of these figures", [kept[0].down, kept[0].across, "of", ...NUMBER_HEADS], () => kept.flatMap((panel) => this.rowsOf(panel))),
    );
  }

  rowsOf(panel) {
    return panel.rows.flatMap((name, row) => panel.columns.map((column, place) => [name, column, panel.title, ...numbersOf(this.model, ...panel.cellOf(row, place))]));
  }

  // Files are drawn of some choices only.
  links(key) {
    if (this.figures.length === 0) return null;
    const found = this.state.shuffled ? null : this.figures.find(([model, choice, measure]) => model === this.number && choice === key && measure === this.state.measure);
    return found ? fileLinks(found[3]) : el("span", { class: "links" }, "no file for this selection");
  }

  bySteps() {
    const { model } = this;
    const panels = this.scored().map((component) =>
      this.panel(component, this.components[component], "layer", "step", model.layers.map(String), model.labels, (row, column) => [this.series(component), column, row]),
    );
    return this.group("steps", "Layer by step", "Each row is a layer, each column a checkpoint, the earliest on the left.", panels, `steps-${this.state.predictor}`);
  }

  byPredictors() {
    const { model, state } = this;
    const names = model.predictors(this.predictors);
    const panels = Object.keys(this.components).map((component) => {
      const kept = names.filter((name) => model.has(component, name));
      return this.panel(component, this.components[component], "predictor", "layer", kept, model.layers.map(String), (row, column) => [this.series(component, null, kept[row]), state.revision, column]);
    });
    const key = state.revision === model.revisions.length - 1 ? "layers" : "-";
    return this.group("layers", "Which basis function explains which layer", "Each row is a predictor from the corpus, each column a layer.", panels, key, this.revisionChoice());
  }

  byHeads() {
    const { model, state } = this;
    const heads = model.heads();
    const panel = this.panel("qk", this.components.qk, "head", "layer", heads.map(String), model.layers.map(String), (row, column) => [this.series("qk", heads[row]), state.revision, column]);
    const key = state.revision === model.revisions.length - 1 && state.predictor === PAIRING ? "heads" : "-";
    return this.group("heads", "Heads", "Each row is a head, each column a layer: the figures above show their mean.", [panel], key, this.revisionChoice());
  }

  headsByStep() {
    const { model, state } = this;
    const [heads, layers] = [model.heads(), model.headLayers()];
    const panel = this.panel("qk", this.components.qk, "head", "step", heads.map(String), model.labels, (row, column) => [this.series("qk", heads[row]), column, state.headLayer]);
    const key = state.predictor === PAIRING ? `head-steps-${model.layers[state.headLayer]}` : "-";
    return this.group("head-steps", "Heads by step", "Each row is a head of one layer, each column a checkpoint.", [panel], key, this.layerChoice("headLayer", layers));
  }

  revisionChoice() {
    const { model, state } = this;
    if (!model.isSweep) return null;
    const options = model.labels.map((label, place) => [String(place), label]);
    return choice("step", options, String(state.revision), (value) => this.set("revision", Number(value)));
  }

  // A layer of some, by their places, which are what the state keeps under a key.
  layerChoice(key, places) {
    const options = places.map((place) => [String(place), String(this.model.layers[place])]);
    return choice("layer", options, String(this.state[key]), (value) => this.set(key, Number(value)));
  }
}

function placesOf(list) {
  return [...list.keys()];
}

function middleOf(list) {
  return list[Math.floor(list.length / 2)];
}

const NUMBER_HEADS = ["raw", "null", "sd", "z", "centred", "null", "sd", "z"];

function numbersOf(model, series, revision, layer) {
  const told = (metric) => [SCORE, NULL_MEAN, NULL_SD, Z].map((number) => {
    const value = model.at({ ...series, metric }, number, revision, layer);
    return Number.isNaN(value) ? "–" : number === Z ? shown(value, "z") : significant(value);
  });
  return [...told("raw"), ...told("centred")];
}
