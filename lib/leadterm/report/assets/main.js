// Puts the sections together.

const accounts = block("accounts");
const palettes = block("palettes");
const scores = block("alignment");
const rows = block("agreement");
const losses = block("losses");
const words = block("explorer");

// The folder that the page lies in now, <run>/report/index.html: a run may have been copied or renamed since.
function nameHere(address, made) {
  const [, run] = /([^/]+)\/report\/(?:index\.html)?$/.exec(address) ?? [];
  try {
    return run ? decodeURIComponent(run) : made;
  } catch {
    return made;
  }
}

const name = nameHere(location.pathname, accounts.name);
document.getElementById("name").textContent = name;
document.title = `leadterm report: ${name}`;
const before = name === accounts.name ? "" : ` The run was then called ${accounts.name}.`;
document.getElementById("colophon").textContent = `Made by leadterm ${accounts.version} from the run’s saved products.${before} This page contains all its data and makes no network requests.`;

const alignment = scores.models.length ? new Alignment(scores, palettes) : null;
const content = document.getElementById("content");
const sections = [
  ["Alignment", alignment?.section],
  ["Training loss", losses ? lossesSection(losses) : null],
  ["Verification", rows.length ? agreementSection(rows, palettes) : null],
  ["Explorer", words ? new Explorer(words).section : null],
  ["Sources and settings", accountsSection(accounts)],
].filter(([, section]) => section);
content.append(...[noticeOf(accounts, alignment !== null), tilesOf(accounts)].filter(Boolean), ...sections.map(([, section]) => section));
document.getElementById("contents").append(...sections.map(([title, section]) => el("a", { href: `#${section.id}` }, title)));

DARK.addEventListener("change", () => alignment?.drawFigures());
addEventListener("scroll", placeTip, { passive: true });
for (const [event, state] of [["beforeprint", true], ["afterprint", false]]) {
  addEventListener(event, () => {
    printing = state;
    alignment?.drawFigures();
  });
}
