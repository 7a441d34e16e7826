//! A Lambda function that loads one `SdkConfig` and does nothing else. No function in Rust with the
//! AWS SDK can start faster. `cargo run -p bench --bin lambda_start` compares the other functions
//! with it.

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
