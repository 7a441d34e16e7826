//! Uploads one photo to the source bucket with the AWS SDK, as any S3 client does. Ingest then
//! copies it to its day folder.
//!
//! ```sh
//! cargo run -- serve
//! eval "$(cargo run --quiet -- env)"    # in another shell
//! cargo run --example upload_photo -- http://127.0.0.1:9000 inbox photo.jpg
//! ```

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program reads its arguments and a file, and prints"
)]

use std::error::Error;
use std::path::Path;

use aws_sdk_s3::primitives::ByteStream;
use photo_catalogue::clients::{self, Endpoints};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, bucket, file] = arguments.as_slice() else {
        return Err("usage: upload_photo ENDPOINT BUCKET FILE".into());
    };
    let endpoints = Endpoints {
        s3: Some(endpoint.clone()),
        dynamodb: None,
    };
    let s3 = clients::connect(&clients::from_environment().await, &endpoints).s3;
    let name = Path::new(file).file_name().ok_or("FILE has no name")?;
    let key = name.to_string_lossy();
    let body = ByteStream::from(std::fs::read(file)?);
    let put = s3.put_object().bucket(bucket).key(key.as_ref()).body(body);
    put.send().await?;
    println!("{file} is uploaded to s3://{bucket}/{key}");
    Ok(())
}
