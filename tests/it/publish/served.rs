//! Tests of publish in `photos serve`: from an upload to files on disk and a call of the hook.

use std::time::Duration;

use serde_json::Value;

use super::hook::HookReceiver;
use crate::serve::process::{Photos, until};

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_published_and_the_hook_is_not_called_again_after_a_restart() {
    let (receiver, url) = HookReceiver::start(&[]).await;
    let mut photos = Photos::at_rest();
    let arguments = [
        "--hook-url",
        &url,
        "--hook-quiet-seconds",
        "1",
        "--hook-interval-seconds",
        "1",
        // The URLs of the pictures contain a port by default, which would change at each start.
        "--gallery-url",
        "http://photos.test",
    ];
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/photos");
    let with_photos = [&[examples], &arguments[..]].concat();
    photos.start(&with_photos);
    let index = photos.data().join("site/gallery/index.json");
    let read = || -> Option<Value> { serde_json::from_slice(&std::fs::read(&index).ok()?).ok() };
    until("all photos are published", || {
        read().filter(|index| index["photos"] == 13)
    });
    until("the hook is called", || {
        (receiver.calls() > 0).then_some(())
    });
    // A second call is possible, when the pictures of the last photos are made.
    let mut calls = 0;
    while receiver.calls() > calls {
        calls = receiver.calls();
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    let before = read();
    assert!(calls <= 2, "{calls}");
    let counted = photos.output(&["recount", "--verify"]);
    assert_eq!(counted, "");
    let status: Value =
        serde_json::from_str(&photos.output(&["hook", "status", "--json"])).unwrap();
    assert_eq!(status["callsIn24Hours"].as_u64(), Some(calls as u64));

    photos.interrupt();
    photos.start(&arguments);
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert_eq!(receiver.calls(), calls);
    assert_eq!(read(), before);
}
