// Fails if a schema of the document has the name of a global: a generated type of this name would
// shadow it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import ts from "typescript";

const { components } = JSON.parse(await readFile("openapi.json", "utf8"));
// The compiler lists the names of all globals in a program that declares none.
const { config } = ts.readConfigFile("tsconfig.json", ts.sys.readFile);
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, ".");
const program = ts.createProgram(["empty.ts"], options, {
    ...ts.createCompilerHost(options),
    getSourceFile: (name, target) =>
        ts.createSourceFile(name, name === "empty.ts" ? "" : (ts.sys.readFile(name) ?? ""), target),
});
const empty = program.getSourceFile("empty.ts");
const kinds = ts.SymbolFlags.Value | ts.SymbolFlags.Type;
const globals = new Set(program.getTypeChecker().getSymbolsInScope(empty, kinds).map((symbol) => symbol.name));
for (const name of ["Map", "Image", "Event", "Location"]) assert(globals.has(name), name);
const shadowing = Object.keys(components.schemas).filter((name) => globals.has(name));
assert.deepEqual(shadowing, [], "schemas with the names of globals");
console.log(`none of ${Object.keys(components.schemas).length} schemas has the name of one of ${globals.size} globals`);
