// Runs the programs of this folder against a gallery with the example photos. GALLERY is its address.

import assert from "node:assert/strict";
import { visit as visitWithHeyApi } from "./built/hey-api.js";
import { visit as visitWithOpenapiFetch } from "./built/openapi-fetch.js";
import { visit as visitWithOrval } from "./built/orval.js";

const gallery = process.env.GALLERY;
assert(gallery, "GALLERY is not set");
// The client of orval reads its address there, as in a page of the gallery.
globalThis.location = new URL(gallery);

const PHOTOS = 13;

/** Waits until all examples have pictures and are counted. */
async function untilPublished() {
    for (let second = 0; second < 120; second += 1) {
        const { items, undated } = await (await fetch(`${gallery}/v1/timeline`)).json();
        if (items.reduce((sum, { photos }) => sum + photos, undated) === PHOTOS) return;
        await new Promise((wake) => setTimeout(wake, 1000));
    }
    throw new Error("the examples are not published after two minutes");
}

await untilPublished();
const clients = { "openapi-fetch": visitWithOpenapiFetch, "hey-api": visitWithHeyApi, orval: visitWithOrval };
for (const [name, visit] of Object.entries(clients)) {
    const { stems, cameras, lenses, ...numbers } = await visit(gallery);
    assert.equal(stems.length, PHOTOS, name);
    // Two photos have this name. The order of their uploads decides which of them gets it.
    assert(stems[0]?.startsWith("2018-02-01/DSC_0001"), name);
    assert(cameras.includes("Nikon D750") && lenses.includes("50.0 mm f/1.8"), name);
    const expected = { pages: 3, pictures: 13, counted: 13, clustered: 4, berlin: 1, fNumber: "16/10", wrong: "cursor" };
    assert.deepEqual(numbers, expected, name);
    console.log(`${name}: ${stems.length} photos, ${cameras.length} cameras, ${lenses.length} lenses`);
}
