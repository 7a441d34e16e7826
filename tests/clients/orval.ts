// Visits a gallery with the client of orval.

import { getMap, getPhoto, getTimeline, listLenses, listPhotos } from "./generated/orval.js";
import type { PartialPhoto, Photo } from "./generated/orval.js";
import type { Visit } from "./visit.js";

export async function visit(): Promise<Visit> {
    const photos: Photo[] = [];
    let pages = 0;
    let cursor: string | undefined;
    do {
        const page = await listPhotos({ limit: 5, order: "oldest", cursor });
        if (page.status !== 200) throw new Error(page.status === 304 ? "unchanged" : page.data.detail);
        photos.push(...page.data.items);
        pages += 1;
        cursor = page.data.next ?? undefined;
    } while (cursor);
    const cameras = new Set<string>();
    let pictures = 0;
    for (const photo of photos) {
        if (photo.camera) cameras.add(photo.camera.name);
        if (photo.images.length > 0 && photo.images[0]?.url.startsWith("http")) pictures += 1;
    }

    // With `fields`, a photo has only these fields. Its type is PartialPhoto.
    const some = await listPhotos({ fields: "stem", order: "oldest" });
    const partial: PartialPhoto[] = some.status === 200 ? some.data.items : [];

    const timeline = await getTimeline({ unit: "month" });
    let counted = 0;
    if (timeline.status === 200) {
        counted = timeline.data.items.reduce((sum, month) => sum + month.photos, timeline.data.undated);
    }

    const lenses = await listLenses();

    const clusters = await getMap();
    let clustered = 0;
    for (const { properties } of clusters.status === 200 ? clusters.data.features : []) {
        if ("cluster" in properties) clustered += properties.photos;
    }
    const box = await getMap({ bbox: "13.3,52.5,13.4,52.6" });
    let berlin = 0;
    for (const { geometry, properties } of box.status === 200 ? box.data.features : []) {
        const [longitude = 0, latitude = 0] = geometry.coordinates;
        if ("stem" in properties && longitude > 13 && latitude > 52) berlin += 1;
    }

    const details = await getPhoto("2022-07-16/IMG_0412");
    const tag = details.status === 200 ? details.data.tags["ExifIFD"]?.["FNumber"] : undefined;
    const fNumber = typeof tag === "object" && "fraction" in tag ? tag.fraction : "";

    const wrong = await listPhotos({ cursor: "wrong" });

    return {
        pages,
        stems: partial.map((photo) => photo.stem ?? ""),
        cameras: [...cameras].sort(),
        pictures,
        counted,
        lenses: lenses.status === 200 ? lenses.data.items.map((lens) => lens.name) : [],
        clustered,
        berlin,
        fNumber,
        wrong: wrong.status === 400 ? (wrong.data.parameter ?? "") : "",
    };
}
