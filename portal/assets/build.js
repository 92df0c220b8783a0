// Compiles the style sheet, copies what the browser loads into build/static, and puts compressed forms beside it, which
// WhiteNoise sends to browsers that take them. Run by `npm run build`.
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { dirname, join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
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

const isCompressed = (name) => name.endsWith(".br") || name.endsWith(".gz");
for (const name of readdirSync(target).filter((name) => !isCompressed(name))) {
  const content = readFileSync(join(target, name));
  writeFileSync(join(target, `${name}.br`), brotliCompressSync(content));
  writeFileSync(join(target, `${name}.gz`), gzipSync(content, { level: 9 }));
}
