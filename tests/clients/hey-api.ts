// Visits a gallery with the client of @hey-api/openapi-ts.

import { client } from "./generated/hey-api/client.gen.js";
import { getMap, getPhoto, getTimeline, listLenses, listPhotos } from "./generated/hey-api/index.js";
import type { PartialPhoto, Photo } from "./generated/hey-api/index.js";
import type { Visit } from "./visit.js";

export async function visit(gallery: string): Promise<Visit> {
    client.setConfig({ baseUrl: gallery });

    const photos: Photo[] = [];
    let pages = 0;
    let cursor: string | undefined;
    do {
        const { data, error } = await listPhotos({ query: { limit: 5, order: "oldest", cursor } });
        if (!data) throw new Error(error?.detail);
        photos.push(...data.items);
        pages += 1;
        cursor = data.next ?? undefined;
    } while (cursor);
    const cameras = new Set<string>();
    let pictures = 0;
    for (const photo of photos) {
        if (photo.camera) cameras.add(photo.camera.name);
        if (photo.images.length > 0 && photo.images[0]?.url.startsWith("http")) pictures += 1;
    }

    // With `fields`, a photo has only these fields. Its type is PartialPhoto.
    const some = await listPhotos({ query: { fields: "stem", order: "oldest" } });
    const partial: PartialPhoto[] = some.data?.items ?? [];

    const timeline = await getTimeline({ query: { unit: "month" }, throwOnError: true });
    const counted = timeline.data.items.reduce((sum, month) => sum + month.photos, timeline.data.undated);

    const lenses = await listLenses({ throwOnError: true });

    const clusters = await getMap({ throwOnError: true });
    let clustered = 0;
    for (const { properties } of clusters.data.features) {
        if ("cluster" in properties) clustered += properties.photos;
    }
    const box = await getMap({ query: { bbox: "13.3,52.5,13.4,52.6" }, throwOnError: true });
    let berlin = 0;
    for (const { geometry, properties } of box.data.features) {
        const [longitude = 0, latitude = 0] = geometry.coordinates;
        if ("stem" in properties && longitude > 13 && latitude > 52) berlin += 1;
    }

    const details = await getPhoto({ path: { name: "2022-07-16/IMG_0412" }, throwOnError: true });
    const tag = details.data.tags["ExifIFD"]?.["FNumber"];
    const fNumber = typeof tag === "object" && "fraction" in tag ? tag.fraction : "";

    const { error: problem } = await listPhotos({ query: { cursor: "wrong" } });

    return {
        pages,
        stems: partial.map((photo) => photo.stem ?? ""),
        cameras: [...cameras].sort(),
        pictures,
        counted,
        lenses: lenses.data.items.map((lens) => lens.name),
        clustered,
        berlin,
        fNumber,
        wrong: problem?.parameter ?? "",
    };
}
