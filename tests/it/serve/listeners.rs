//! Tests of who can reach the servers of `photos serve`: pages of other origins, foreign host
//! names, unsigned requests, and clients that keep connections open.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::presigning::PresigningConfig;
use photo_catalogue::clients::{self, Endpoints};

use super::process::{Photos, RunningServe};
use crate::ingest::photos::TestShot;

/// The number of connections that a test keeps half open.
const HALF_OPEN: usize = 2000;
/// The time in which the servers close such a connection.
const CLOSE_TIME: Duration = Duration::from_secs(30);

/// Returns the host and port of a URL, such as `127.0.0.1:8080` for `http://127.0.0.1:8080`.
fn address(url: &str) -> &str {
    url.strip_prefix("http://").unwrap()
}

/// Sends the bytes of a request on a new connection. Returns the whole response.
fn send(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(CLOSE_TIME)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = Vec::new();
    // The server may reset a connection whose body it did not read.
    let _ = stream.read_to_end(&mut response);
    String::from_utf8_lossy(&response).into_owned()
}

/// Returns a request with a body, as a browser or curl sends it. `headers` are lines with CRLF.
fn request(method: &str, path: &str, host: &str, headers: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/plain\r\n\
         Content-Length: 2\r\nConnection: close\r\n{headers}\r\n{{}}"
    )
}

/// Starts `photos serve` with a port for DynamoDB, and with one photo.
async fn start_with_photo() -> (Photos, RunningServe) {
    let mut photos = Photos::at_rest();
    let originals = ["--originals", "jpeg"];
    let flags = ["--dynamodb-port", "0", "--host", "photos.test"];
    photos.start(&[&flags[..], &originals].concat());
    let shot = TestShot::at("2018:02:01 09:41:07").jpeg();
    photos.put("a.jpg", shot).await;
    photos.photos(1).await;
    let running = photos.running();
    (photos, running)
}

/// The requests that a page can send to each server: reads, forms, and changes.
fn attacks(running: &RunningServe) -> Vec<(&str, &'static str, &'static str)> {
    let (gallery, s3) = (address(&running.gallery), address(&running.s3));
    let dynamodb = address(running.dynamodb.as_deref().unwrap());
    let mut attacks = Vec::new();
    for method in ["GET", "HEAD", "POST", "OPTIONS"] {
        attacks.push((gallery, method, "/v1/photos"));
        attacks.push((gallery, method, "/photos/2018-02-01/a.jpg"));
    }
    for method in ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"] {
        attacks.push((s3, method, "/archive/2018-02-01/a.jpg"));
        attacks.push((s3, method, "/inbox?list-type=2"));
    }
    for method in ["GET", "POST", "OPTIONS"] {
        attacks.push((dynamodb, method, "/"));
    }
    attacks
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_origins_and_hosts_are_refused_by_every_server() {
    let (photos, running) = start_with_photo().await;
    let before = photos.tree("archive");
    let preflight = "Access-Control-Request-Method: GET\r\n";
    for (server, method, path) in attacks(&running) {
        let foreign_origins = [
            "Origin: https://evil.example\r\n",
            "Origin: null\r\n",
            "Origin: http://127.0.0.1.evil.example\r\n",
            "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n",
            "Sec-Fetch-Site: cross-site\r\nReferer: https://evil.example/\r\n",
        ];
        for headers in foreign_origins {
            let response = send(
                server,
                &request(method, path, server, &(headers.to_owned() + preflight)),
            );
            assert_is_refused(&response, &format!("{method} {path} {headers}"));
        }
        // A name that resolves to this machine, as in DNS rebinding.
        for host in [
            "evil.example",
            "127.0.0.1.nip.io",
            "photos.test.evil.example",
        ] {
            let response = send(server, &request(method, path, host, ""));
            assert_is_refused(&response, &format!("{method} {path} {host}"));
        }
    }
    assert_eq!(photos.tree("archive"), before);
    assert_eq!(photos.all_photos().await.len(), 1);
}

fn assert_is_refused(response: &str, request: &str) {
    assert!(
        response.starts_with("HTTP/1.1 403 "),
        "{request}: {response}"
    );
    let response = response.to_ascii_lowercase();
    for revealed in ["access-control-allow", "2018", "<?xml", "amzn", "etag"] {
        assert!(!response.contains(revealed), "{request}: {response}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_names_and_pages_of_this_machine_are_served() {
    let (_photos, running) = start_with_photo().await;
    let gallery = address(&running.gallery);
    let port = gallery.rsplit_once(':').unwrap().1;
    for host in [
        gallery,
        &format!("localhost:{port}"),
        "photos.test",
        &format!("PHOTOS.TEST:{port}"),
    ] {
        let response = send(gallery, &request("GET", "/v1/photos", host, ""));
        assert!(response.starts_with("HTTP/1.1 200 "), "{host}: {response}");
    }
    for origin in ["http://localhost:4321", "https://127.0.0.1:3000"] {
        let headers = format!("Origin: {origin}\r\n");
        let response = send(gallery, &request("GET", "/v1/photos", gallery, &headers));
        let allowed = format!("access-control-allow-origin: {origin}\r\n");
        assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
        assert!(response.contains(&allowed), "{response}");
    }
    // A picture in a page of a site that is being developed on this machine.
    let picture = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nReferer: http://localhost:4321/\r\n";
    let response = send(
        gallery,
        &request("GET", "/photos/2018-02-01/a.jpg", gallery, picture),
    );
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listed_origins_replace_those_of_this_machine() {
    let mut photos = Photos::at_rest();
    photos.start(&["--cors-origins", "https://site.example"]);
    let gallery = photos.gallery();
    let status = |origin: &str| {
        let headers = format!("Origin: {origin}\r\n");
        let own = address(&gallery);
        send(own, &request("GET", "/v1/photos", own, &headers))[..12].to_owned()
    };
    assert_eq!(status("https://site.example"), "HTTP/1.1 200");
    assert_eq!(status("http://localhost:4321"), "HTTP/1.1 403");
    assert!(
        photos
            .messages()
            .contains("pages of https://site.example may read it")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_need_the_random_key_pair_of_the_folder() {
    let (photos, running) = start_with_photo().await;
    let other = Photos::serving();
    assert_ne!(other.running().secret_key, running.secret_key);
    assert_eq!(other.running().dynamodb, None);
    let endpoints = Endpoints {
        s3: Some(running.s3.clone()),
        dynamodb: running.dynamodb.clone(),
    };
    for (access_key, secret_key) in [
        ("photos", "photos-secret"),
        (&*running.access_key, "photos-secret"),
        (&*other.running().access_key, &*other.running().secret_key),
    ] {
        let sdk = clients::with_key_pair(access_key, secret_key);
        let clients = clients::connect(&sdk, &endpoints);
        let listed = clients.s3.list_objects_v2().bucket("archive").send().await;
        assert!(listed.is_err(), "{access_key} {secret_key}");
        let scanned = clients.dynamodb.scan().table_name("photos").send().await;
        assert!(scanned.is_err(), "{access_key} {secret_key}");
    }
    for (server, method, path) in attacks(&running) {
        if server != address(&running.gallery) && method != "OPTIONS" {
            let response = send(
                server,
                &request(
                    method,
                    path,
                    server,
                    "X-Amz-Target: DynamoDB_20120810.ListTables\r\n",
                ),
            );
            let is_success = response.starts_with("HTTP/1.1 2");
            assert!(!is_success, "{server} {method} {path}: {response}");
        }
    }
    let sdk = clients::with_key_pair(&running.access_key, &running.secret_key);
    let clients = clients::connect(&sdk, &endpoints);
    let get = clients.dynamodb.get_item().table_name("photos");
    let nothing = AttributeValue::S("nothing".to_owned());
    assert!(get.key("pk", nothing).send().await.is_ok());
    // The commands of the owner need neither flag nor variable.
    assert!(photos.output(&["list"]).contains("2018-02-01/a"));
}

#[test]
fn key_pair_is_kept_in_files_of_the_owner_and_printed_for_shells() {
    let mut photos = Photos::serving();
    let first = photos.running();
    assert!(photos.messages().contains(&first.secret_key));
    let exported = photos.output(&["env"]);
    for line in [
        format!("export AWS_ENDPOINT_URL_S3='{}'\n", first.s3),
        format!("export AWS_ACCESS_KEY_ID='{}'\n", first.access_key),
        format!("export AWS_SECRET_ACCESS_KEY='{}'\n", first.secret_key),
    ] {
        assert!(exported.contains(&line), "{exported}");
    }
    assert_files_are_private(&photos);
    photos.interrupt();
    let failed = photos.run(&["env"]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(failed.stdout.is_empty());
    photos.start(&[]);
    assert_eq!(photos.running().secret_key, first.secret_key);
}

#[cfg(unix)]
fn assert_files_are_private(photos: &Photos) {
    use std::os::unix::fs::PermissionsExt;
    let running = photos.running();
    let engine = photos.data().join(".engine");
    for file in [
        engine.join("serve.json"),
        engine.join("key-pair.json"),
        engine.join("cursor-key"),
        running.socket,
    ] {
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} {mode:o}", file.display());
    }
}

#[cfg(not(unix))]
fn assert_files_are_private(_: &Photos) {}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_open_connections_do_not_stop_the_gallery() {
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let (photos, running) = start_with_photo().await;
    let start = Instant::now();
    let servers = [
        &running.gallery,
        &running.s3,
        running.dynamodb.as_ref().unwrap(),
    ];
    let sent = ["", "G", "GET /v1/photos HTTP/1.1\r\nHost: loc"];
    let mut half_open = Vec::new();
    for number in 0..HALF_OPEN {
        let mut stream = TcpStream::connect(address(servers[number % 3])).unwrap();
        stream.write_all(sent[number / 3 % 3].as_bytes()).unwrap();
        half_open.push(stream);
    }
    assert_eq!(photos.all_photos().await.len(), 1);
    let shot = TestShot::at("2018:02:02 09:41:07").jpeg();
    photos.put("b.jpg", shot).await;
    photos.photos(2).await;
    let closed = tokio::task::spawn_blocking(move || {
        for mut stream in half_open {
            stream.set_read_timeout(Some(CLOSE_TIME)).unwrap();
            // The server closes or resets the connection, and may send an error before.
            let mut rest = Vec::new();
            let ended = stream.read_to_end(&mut rest);
            let timed_out =
                ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
            assert!(!timed_out, "a connection stays open");
        }
    });
    closed.await.unwrap();
    let opened = start.elapsed();
    assert!(opened < 3 * CLOSE_TIME, "{opened:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_with_a_stalled_body_are_closed_by_every_server() {
    let (photos, running) = start_with_photo().await;
    let sdk = clients::with_key_pair(&running.access_key, &running.secret_key);
    let endpoints = Endpoints {
        s3: Some(running.s3.clone()),
        dynamodb: running.dynamodb.clone(),
    };
    let s3 = clients::connect(&sdk, &endpoints).s3;
    let expires = PresigningConfig::expires_in(CLOSE_TIME).unwrap();
    let put = s3.put_object().bucket("inbox").key("stalled.jpg");
    let put = put.presigned(expires).await.unwrap();
    let signed = put.uri().strip_prefix(&running.s3).unwrap().to_owned();
    let authorization = format!(
        "Authorization: AWS4-HMAC-SHA256 Credential={}/20260101/local/dynamodb/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature=00\r\n\
         X-Amz-Target: DynamoDB_20120810.ListTables\r\n",
        running.access_key
    );
    let dynamodb = running.dynamodb.as_deref().unwrap();
    // The gallery and the form get a response before their bodies have ended. The other two
    // requests wait for the body, and end with another error than a refusal.
    let refused = "HTTP/1.1 403";
    let stalled = [
        (
            &*running.gallery,
            "POST /v1/photos".to_owned(),
            "",
            "HTTP/1.1 2",
        ),
        (&*running.s3, format!("PUT {signed}"), "", refused),
        (
            &*running.s3,
            "POST /inbox".to_owned(),
            "Content-Type: multipart/form-data; boundary=x\r\n",
            "HTTP/1.1 2",
        ),
        (dynamodb, "POST /".to_owned(), &*authorization, refused),
    ];
    let start = Instant::now();
    let open = stalled.map(|(server, request, headers, unexpected)| {
        let mut stream = TcpStream::connect(address(server)).unwrap();
        let host = address(server);
        let head = format!(
            "{request} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000\r\n{headers}\r\nfew bytes"
        );
        stream.write_all(head.as_bytes()).unwrap();
        (request, stream, unexpected)
    });
    assert_eq!(photos.all_photos().await.len(), 1);
    for (request, mut stream, unexpected) in open {
        stream.set_read_timeout(Some(2 * CLOSE_TIME)).unwrap();
        let mut response = Vec::new();
        // The server closes or resets the connection.
        let _ = stream.read_to_end(&mut response);
        let elapsed = start.elapsed();
        assert!(elapsed < CLOSE_TIME, "{request}: {elapsed:?}");
        let response = String::from_utf8_lossy(&response);
        for status in ["HTTP/1.1 2", unexpected] {
            assert!(!response.starts_with(status), "{request}: {response}");
        }
    }
    assert!(
        photos
            .tree("inbox")
            .keys()
            .all(|name| !name.contains("stalled"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cursors_and_etags_of_pictures_outlive_a_restart() {
    let mut photos = Photos::at_rest();
    photos.start(&["--originals", "jpeg"]);
    for name in ["a.jpg", "b.jpg"] {
        let shot = TestShot::at("2018:02:01 09:41:07").jpeg();
        photos.put(name, shot).await;
    }
    photos.photos(2).await;
    let etag = async |photos: &Photos| {
        let response = photos.get("/photos/2018-02-01/a.jpg").await;
        response.headers()["etag"].to_str().unwrap().to_owned()
    };
    let before = etag(&photos).await;
    let page = photos.json("/v1/photos?limit=1").await;
    let next = page["next"].as_str().unwrap();
    photos.interrupt();
    photos.start(&["--originals", "jpeg"]);
    let rest = photos
        .json(&format!("/v1/photos?limit=1&cursor={next}"))
        .await;
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    assert_ne!(rest["items"][0]["id"], page["items"][0]["id"]);
    assert_eq!(etag(&photos).await, before);
    // The cursor of another data folder is refused.
    let other = Photos::serving();
    let refused = other
        .get(&format!("/v1/photos?limit=1&cursor={next}"))
        .await;
    assert_eq!(refused.status(), 400);
}
