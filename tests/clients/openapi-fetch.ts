// Visits a gallery with the types of openapi-typescript and the client openapi-fetch.

import createClient from "openapi-fetch";
import type { components, paths } from "./generated/openapi-typescript.js";
import type { Visit } from "./visit.js";

type Photo = components["schemas"]["Photo"];
type PartialPhoto = components["schemas"]["PartialPhoto"];

export async function visit(gallery: string): Promise<Visit> {
    const client = createClient<paths>({ baseUrl: gallery });

    const photos: Photo[] = [];
    let pages = 0;
    let cursor: string | undefined;
    do {
        const { data, error } = await client.GET("/v1/photos", { params: { query: { limit: 5, order: "oldest", cursor } } });
        if (error) throw new Error(error.detail);
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
    const some = await client.GET("/v1/photos", { params: { query: { fields: "stem", order: "oldest" } } });
    const partial: PartialPhoto[] = some.data?.items ?? [];

    const timeline = await client.GET("/v1/timeline", { params: { query: { unit: "month" } } });
    if (timeline.error) throw new Error(timeline.error.detail);
    const counted = timeline.data.items.reduce((sum, month) => sum + month.photos, timeline.data.undated);

    const lenses = await client.GET("/v1/lenses");

    const clusters = await client.GET("/v1/map");
    let clustered = 0;
    for (const { properties } of clusters.data?.features ?? []) {
        if ("cluster" in properties) clustered += properties.photos;
    }
    const box = await client.GET("/v1/map", { params: { query: { bbox: "13.3,52.5,13.4,52.6" } } });
    let berlin = 0;
    for (const { geometry, properties } of box.data?.features ?? []) {
        const [longitude = 0, latitude = 0] = geometry.coordinates;
        if ("stem" in properties && longitude > 13 && latitude > 52) berlin += 1;
    }

    const details = await client.GET("/v1/photos/{name}", { params: { path: { name: "2022-07-16/IMG_0412" } } });
    const tag = details.data?.tags["ExifIFD"]?.["FNumber"];
    const fNumber = typeof tag === "object" && "fraction" in tag ? tag.fraction : "";

    const { error: problem } = await client.GET("/v1/photos", { params: { query: { cursor: "wrong" } } });

    return {
        pages,
        stems: partial.map((photo) => photo.stem ?? ""),
        cameras: [...cameras].sort(),
        pictures,
        counted,
        lenses: (lenses.data?.items ?? []).map((lens) => lens.name),
        clustered,
        berlin,
        fNumber,
        wrong: problem?.parameter ?? "",
    };
}
