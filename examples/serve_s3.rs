//! scratch
#![allow(clippy::unwrap_used, clippy::print_stdout)]
use photo_catalogue::local::s3::*;
#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let t = std::time::Instant::now();
    let store = S3Store::open(args[1].as_ref()).unwrap();
    println!("open {:?}", t.elapsed());
    store.notify("photos", "");
    let l = tokio::net::TcpListener::bind(format!("127.0.0.1:{}", args[2]))
        .await
        .unwrap();
    let s2 = store.clone();
    let quiet = args.len() > 3;
    tokio::spawn(async move {
        s2.deliver(
            4,
            move |e| async move {
                if !quiet {
                    for r in e["Records"].as_array().unwrap() {
                        println!("{}", r["body"].as_str().unwrap());
                    }
                }
                Ok(serde_json::json!({}))
            },
            std::future::pending(),
        )
        .await
    });
    store
        .serve(
            l,
            Credentials {
                access_key: "test".into(),
                secret_key: "secret".into(),
            },
            std::future::pending(),
        )
        .await
        .unwrap();
}
