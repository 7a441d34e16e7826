// Settings of @hey-api/openapi-ts. Node finds a module only with its extension.
export default {
    input: "openapi.json",
    output: { path: "generated/hey-api", module: { extension: ".js" } },
    logs: { file: false },
};
