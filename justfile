# Short names for the commands of README.md and CONTRIBUTING.md. `just --list` shows them.

# List the recipes.
default:
    @just --list

# Run everything on this machine: `just serve examples/photos`.
serve *arguments:
    cargo run -- serve {{arguments}}

# Run all tests, or those whose name contains an argument.
test *arguments:
    cargo test {{arguments}}

# Run all stages that must pass before a change goes in, or the named ones.
ci *stages:
    .ci/run {{stages}}

# Check format and lints.
lint:
    cargo fmt --all --check
    cargo clippy --locked --workspace --all-targets -- -D warnings

# Build the pages of all crates, with private items.
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items

# Rewrite the expected output of the golden tests.
golden:
    UPDATE_GOLDEN=1 cargo test --test it golden

# Count the requests of new photos, and measure `photos serve`: photos, and megabytes of each.
measure photos="1000" megabytes="5":
    cargo build
    cargo run -p bench --bin measure {{photos}} {{megabytes}}

# Print a month's bill on AWS (docs/cost.md).
cost:
    cargo run -p bench --bin cost

# Measure how the Lambda functions start (docs/cost.md).
lambda-start:
    cargo build --profile function -p photo-catalogue -p bench-functions --no-default-features --features photo-catalogue/lambda --bins
    cargo run -p bench --bin lambda_start -- target/function

# Measure the gallery over two numbers of photos (docs/speed.md).
gallery-load small="1000" large="1000000":
    cargo run --release -p bench --bin gallery_load -- {{small}} {{large}}

# Measure imports that are killed on the way: files, and kills (docs/speed.md).
import-bench files="55000" kills="20":
    cargo build --release
    cargo run --release -p bench --bin import_bench -- {{files}} {{kills}}

# Measure the gallery page in a real browser (docs/speed.md).
gallery-page:
    .ci/browser bench

# Measure what changes cost publish (docs/speed.md).
publish-cost:
    cargo run --release -p bench --bin publish_cost

# Measure extraction and that of other libraries (docs/metadata.md).
extract-bench:
    cargo bench -p photo-metadata --bench extract

# Measure whole processes that read the named files (docs/metadata.md).
processes +files:
    cargo build --release
    cargo run --release -p bench --bin processes -- {{files}}

# Measure the memory that extraction needs (docs/metadata.md).
peak-memory:
    cargo run --release -p bench --bin peak_memory

# Build the Lambda functions for the Terraform module.
lambda:
    cargo lambda build -p photo-catalogue --profile function --arm64 --output-format zip --no-default-features --features lambda
