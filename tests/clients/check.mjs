// Checks what the compiler does not: no schema of the document has the name of a global, which a
// generated type of this name would shadow, and no program of this folder asserts a type.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import ts from "typescript";

const { config } = ts.readConfigFile("tsconfig.json", ts.sys.readFile);
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, ".");

/** Returns the names of all global values and types. */
function listGlobals() {
    const host = ts.createCompilerHost(options);
    const { getSourceFile } = host;
    host.getSourceFile = (name, ...rest) =>
        name === "empty.ts" ? ts.createSourceFile(name, "", ts.ScriptTarget.Latest) : getSourceFile(name, ...rest);
    const program = ts.createProgram(["empty.ts"], options, host);
    const kinds = ts.SymbolFlags.Value | ts.SymbolFlags.Type;
    const symbols = program.getTypeChecker().getSymbolsInScope(program.getSourceFile("empty.ts"), kinds);
    return new Set(symbols.map((symbol) => symbol.name));
}

/** Returns each part of a program that claims a type: `x!`, `x as T`, `<T>x` and `any`. */
function findAssertions(name, text) {
    const found = [];
    const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
    const visit = (node) => {
        const isClaim = ts.isNonNullExpression(node) || ts.isAsExpression(node) || ts.isTypeAssertionExpression(node);
        if (isClaim || node.kind === ts.SyntaxKind.AnyKeyword) found.push(`${name}: ${node.getText(file)}`);
        ts.forEachChild(node, visit);
    };
    visit(file);
    return found;
}

const globals = listGlobals();
for (const name of ["Map", "Image", "Event", "Location"]) assert(globals.has(name), name);
const { components } = JSON.parse(await readFile("openapi.json", "utf8"));
const schemas = Object.keys(components.schemas);
assert(schemas.length > 0);
assert.deepEqual(schemas.filter((name) => globals.has(name)), [], "schemas with the names of globals");

assert.equal(findAssertions("sample.ts", "const a = b!.c as unknown as any;").length, 4);
for (const name of ["openapi-fetch.ts", "hey-api.ts", "orval.ts"]) {
    assert.deepEqual(findAssertions(name, await readFile(name, "utf8")), []);
}
console.log(`${schemas.length} schemas: no name of a global; three programs: no claimed type`);
