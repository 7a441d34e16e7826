//! Tests of the build hook. A test server receives its calls.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use http::{HeaderMap, StatusCode, header};
use photo_catalogue::privacy::LocationPolicy;
use photo_catalogue::publish::{self, BuildHook, HookResponse, HookRules, PublishError};
use tokio::net::TcpListener;

use super::fixture::{PublishWorld, settings};
use crate::gallery::fixture::Shot;

/// A response that the test server sends to one call of the hook.
#[derive(Clone, Copy)]
pub(super) enum ScriptedResponse {
    Status(u16),
    TooMany { retry_after: &'static str },
    Redirect,
    Slow,
}

/// A test server that receives the calls of a build hook.
#[derive(Clone, Default)]
pub(super) struct HookReceiver {
    script: Arc<Mutex<VecDeque<ScriptedResponse>>>,
    /// The calls that the server has received: method, path with query, and content type of each.
    pub(super) received: Arc<Mutex<Vec<(String, String, String)>>>,
}

impl HookReceiver {
    /// Starts a server that sends the responses in `script`, one for each call, and after that
    /// always 200. Returns the server and the URL of its hook.
    pub(super) async fn start(script: &[ScriptedResponse]) -> (Self, String) {
        let receiver = HookReceiver::default();
        receiver.script.lock().unwrap().extend(script);
        let router = Router::new().fallback(receive).with_state(receiver.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "http://{}/build_hooks/t0ken",
            listener.local_addr().unwrap()
        );
        tokio::spawn(async move { axum::serve(listener, router).await });
        (receiver, url)
    }

    pub(super) fn calls(&self) -> usize {
        self.received.lock().unwrap().len()
    }
}

async fn receive(State(receiver): State<HookReceiver>, request: Request) -> Response {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.map(|value| value.to_str().unwrap().to_owned());
    receiver.received.lock().unwrap().push((
        request.method().to_string(),
        request.uri().to_string(),
        content_type.unwrap_or_default(),
    ));
    let response = receiver.script.lock().unwrap().pop_front();
    match response.unwrap_or(ScriptedResponse::Status(200)) {
        ScriptedResponse::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        ScriptedResponse::TooMany { retry_after } => {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, retry_after.parse().unwrap());
            (StatusCode::TOO_MANY_REQUESTS, headers).into_response()
        }
        ScriptedResponse::Redirect => {
            (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response()
        }
        ScriptedResponse::Slow => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            StatusCode::OK.into_response()
        }
    }
}

/// Starts a world with the build hook at this URL. The rules allow a call at once and without a
/// pause, so only a failed call delays the next one.
async fn world_with_hook(url: &str) -> PublishWorld {
    let rules = HookRules {
        quiet: TimeDelta::zero(),
        interval: TimeDelta::zero(),
        per_day: 1_000,
        per_month: 3_000,
        ..HookRules::default()
    };
    world_with_rules(url, rules).await
}

pub(super) async fn world_with_rules(url: &str, rules: HookRules) -> PublishWorld {
    let mut settings = settings(LocationPolicy::Exact);
    settings.hook = Some(BuildHook::new(url, &[], true).unwrap());
    settings.rules = rules;
    PublishWorld::with(settings).await
}

/// Adds a photo, and publishes it.
pub(super) async fn add_photo(world: &mut PublishWorld, name: &str) {
    let records = world
        .change(&[Shot::new(name, "2018-02-01T09:00:00")])
        .await;
    world.mark(&records).await;
    world.settle().await;
}

async fn send_trial_call(
    world: &PublishWorld,
    hook: &BuildHook,
    patience: Duration,
) -> Result<HookResponse, PublishError> {
    let (table, rules) = (&world.published, HookRules::default());
    publish::send_trial_call(table, hook, &rules, world.now, patience).await
}

pub(super) async fn hook_state(world: &PublishWorld) -> publish::HookState {
    publish::parse_hook_state(&world.published.state().await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_change_is_one_call_and_no_change_is_none() {
    let (receiver, url) = HookReceiver::start(&[]).await;
    let mut world = world_with_hook(&url).await;
    world.settle().await;
    assert_eq!(receiver.calls(), 0);
    add_photo(&mut world, "IMG_0001").await;
    let expected = (
        "POST".to_owned(),
        "/build_hooks/t0ken".to_owned(),
        "application/json".to_owned(),
    );
    assert_eq!(*receiver.received.lock().unwrap(), [expected]);
    assert_eq!(hook_state(&world).await.pending, None);

    // These are the same change again, and a change of a private photo.
    let again = world
        .change(&[Shot::new("IMG_0001", "2018-02-01T09:00:00")])
        .await;
    let private = world
        .change(&[Shot::new("IMG_0002", "2018-02-01T09:00:00").private()])
        .await;
    world.mark(&again).await;
    world.mark(&private).await;
    for _ in 0..10 {
        world.settle().await;
    }
    assert_eq!(receiver.calls(), 1);
}

#[tokio::test]
async fn a_failed_call_is_repeated_and_does_not_delay_publish() {
    let script = [
        ScriptedResponse::Status(500),
        ScriptedResponse::TooMany {
            retry_after: "1200",
        },
        ScriptedResponse::Redirect,
    ];
    let (receiver, url) = HookReceiver::start(&script).await;
    let mut world = world_with_hook(&url).await;
    add_photo(&mut world, "IMG_0001").await;
    assert_eq!(receiver.calls(), 1);
    let failed = hook_state(&world).await;
    assert!(failed.pending.is_some() && failed.last_answer.unwrap().starts_with("500"));
    add_photo(&mut world, "IMG_0002").await;
    assert_eq!(world.file("index.json").await.unwrap()["photos"], 2);

    world.pass(180);
    world.run_cycle().await.unwrap();
    assert_eq!(receiver.calls(), 2);
    world.pass(1_190);
    world.run_cycle().await.unwrap();
    assert_eq!(receiver.calls(), 2, "Retry-After is twenty minutes");
    world.pass(20);
    world.run_cycle().await.unwrap();
    let redirected = hook_state(&world).await;
    assert!(redirected.last_answer.unwrap().contains("redirect"));
    world.pass(24 * 3600);
    world.run_cycle().await.unwrap();
    assert_eq!(hook_state(&world).await.pending, None);
    let received = receiver.received.lock().unwrap();
    assert_eq!(received.len(), 4);
    assert!(
        received
            .iter()
            .all(|(_, path, _)| path == "/build_hooks/t0ken"),
        "{received:?}"
    );
}

#[tokio::test]
async fn a_hook_without_response_times_out_and_its_url_stays_secret() {
    let (receiver, slow) = HookReceiver::start(&[ScriptedResponse::Slow]).await;
    // This server accepts connections and closes them at once.
    let closing = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let reset = format!("http://{}/build_hooks/t0ken", closing.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((connection, _)) = closing.accept().await {
            drop(connection);
        }
    });
    let refused = "http://127.0.0.1:1/build_hooks/t0ken";
    for url in [&slow, &reset, refused] {
        let mut world = world_with_hook(url).await;
        add_photo(&mut world, "IMG_0001").await;
        let state = world.published.state().await.unwrap();
        let text = format!("{state:?}");
        assert!(text.contains("no answer from 127.0.0.1"), "{text}");
        assert!(!text.contains("t0ken"), "{text}");
        assert_eq!(world.file("index.json").await.unwrap()["photos"], 1);
    }
    assert_eq!(receiver.calls(), 1);
}

#[tokio::test]
async fn a_trial_call_counts_and_leaves_the_build_pending() {
    let (receiver, url) = HookReceiver::start(&[ScriptedResponse::Status(404)]).await;
    let world = world_with_hook(&url).await;
    let hook = BuildHook::new(&url, &[], true).unwrap();
    let mut waiting = publish::HookState::default();
    waiting.add_change(1, None, None, world.now);
    world.published.put_hook(&waiting).await.unwrap();
    let response = send_trial_call(&world, &hook, Duration::ZERO)
        .await
        .unwrap();
    assert!(
        !response.is_success && response.description.starts_with("404"),
        "{response:?}"
    );
    let after = hook_state(&world).await;
    assert_eq!((after.called.len(), receiver.calls()), (1, 1));
    assert_eq!(after.pending, waiting.pending);
}

#[tokio::test]
async fn a_trial_call_waits_for_the_lease_and_writes_nothing_without_it() {
    let (receiver, url) = HookReceiver::start(&[]).await;
    let world = world_with_hook(&url).await;
    let hook = BuildHook::new(&url, &[], true).unwrap();
    let until = world.now + TimeDelta::minutes(3);
    let leased = world.published.lease("another", world.now, until).await;
    assert!(leased.unwrap());
    let refused = send_trial_call(&world, &hook, Duration::ZERO).await;
    assert!(matches!(refused, Err(PublishError::LeaseTaken)));
    assert_eq!(receiver.calls(), 0);
    assert_eq!(world.published.state().await.unwrap().hook, None);

    // The other process records a call of its own, and releases its lease.
    let patience = Duration::from_secs(60);
    let other = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        let mut state = publish::HookState::default();
        state.record_call(&HookRules::default(), world.now);
        world.published.put_hook(&state).await.unwrap();
        world.published.release("another").await.unwrap();
    };
    let (response, ()) = tokio::join!(send_trial_call(&world, &hook, patience), other);
    assert!(response.unwrap().is_success);
    assert_eq!(hook_state(&world).await.called.len(), 2);
    assert_eq!(receiver.calls(), 1);
    assert_eq!(world.published.state().await.unwrap().leased_until, None);
}
