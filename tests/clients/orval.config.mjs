// Settings of orval. The program that uses the client sets the address of the gallery.
export default {
    gallery: {
        input: "openapi.json",
        output: {
            target: "generated/orval.ts",
            client: "fetch",
            urlEncodeParameters: true,
            baseUrl: { runtime: "globalThis.location.origin" },
        },
    },
};
