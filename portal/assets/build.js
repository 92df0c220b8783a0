// Compiles the style sheet and copies what the browser loads into build/static. Run by `npm run build`.
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { dirname, join } from "node:path";
import * as sass from "sass";

const assets = dirname(fileURLToPath(import.meta.url));
const root = join(assets, "..", "..");
const packages = join(root, "node_modules");
const target = join(root, "build", "static");

const compiled = (name) =>
  sass.compile(join(assets, "scss", `${name}.scss`), { loadPaths: [packages], style: "compressed", quietDeps: true }).css;
// Nothing is removed first: pages may be served from here while this runs.
mkdirSync(target, { recursive: true });
for (const name of ["portal", "certificate"]) {
  writeFileSync(join(target, `${name}.css`), compiled(name));
}
cpSync(join(packages, "govuk-frontend", "dist", "govuk", "govuk-frontend.min.js"), join(target, "govuk-frontend.min.js"));
cpSync(join(assets, "portal.js"), join(target, "portal.js"));
cpSync(join(assets, "pictures"), target, { recursive: true });
