//! A Lambda function that does nothing, over one `SdkConfig`: what any function in Rust takes to start.
//! `cargo run -p bench --bin lambda_start` holds ours against it.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use photo_catalogue::clients;
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let _config = clients::from_environment().await;
    lambda_runtime::run(service_fn(|_: LambdaEvent<Value>| async {
        Ok::<_, Error>(json!({}))
    }))
    .await
}
