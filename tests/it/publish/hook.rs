//! The build hook, played by a server of its own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use http::{HeaderMap, StatusCode, header};
use photo_catalogue::catalogue::published;
use photo_catalogue::privacy::LocationPolicy;
use photo_catalogue::publish::{self, BuildHook, HookRules};
use tokio::net::TcpListener;

use super::fixture::{World, settings};
use crate::gallery::fixture::Shot;

/// What the server does with a request.
#[derive(Clone, Copy)]
pub(super) enum Play {
    Answer(u16),
    TooMany { retry_after: &'static str },
    Redirect,
    Slow,
}

/// A server that builds sites, or does not.
#[derive(Clone, Default)]
pub(super) struct Receiver {
    script: Arc<Mutex<VecDeque<Play>>>,
    /// Method, path and query, content type.
    pub(super) received: Arc<Mutex<Vec<(String, String, String)>>>,
}

impl Receiver {
    /// Plays this, then 200 for ever; its hook's URL.
    pub(super) async fn start(script: &[Play]) -> (Self, String) {
        let receiver = Receiver::default();
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

async fn receive(State(receiver): State<Receiver>, request: Request) -> Response {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.map(|value| value.to_str().unwrap().to_owned());
    receiver.received.lock().unwrap().push((
        request.method().to_string(),
        request.uri().to_string(),
        content_type.unwrap_or_default(),
    ));
    let play = receiver.script.lock().unwrap().pop_front();
    match play.unwrap_or(Play::Answer(200)) {
        Play::Answer(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Play::TooMany { retry_after } => {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, retry_after.parse().unwrap());
            (StatusCode::TOO_MANY_REQUESTS, headers).into_response()
        }
        Play::Redirect => (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response(),
        Play::Slow => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            StatusCode::OK.into_response()
        }
    }
}

/// A world with this hook, in which nothing but failures makes it wait.
async fn world(url: &str) -> World {
    let mut settings = settings(LocationPolicy::Exact);
    settings.hook = Some(BuildHook::new(url, &[], true).unwrap());
    settings.rules = HookRules {
        quiet: TimeDelta::zero(),
        interval: TimeDelta::zero(),
        per_day: 1_000,
        per_month: 3_000,
        ..HookRules::default()
    };
    World::with(settings).await
}

async fn upload(world: &mut World, name: &str) {
    let records = world
        .change(&[Shot::new(name, "2018-02-01T09:00:00")])
        .await;
    world.mark(&records).await;
    world.settle().await;
}

async fn state(world: &World) -> publish::HookState {
    publish::parse_hook_state(&world.published.state().await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_change_is_one_post_and_no_change_is_none() {
    let (receiver, url) = Receiver::start(&[]).await;
    let mut world = world(&url).await;
    world.settle().await;
    assert_eq!(receiver.calls(), 0);
    upload(&mut world, "IMG_0001").await;
    let expected = (
        "POST".to_owned(),
        "/build_hooks/t0ken".to_owned(),
        "application/json".to_owned(),
    );
    assert_eq!(*receiver.received.lock().unwrap(), [expected]);
    assert_eq!(state(&world).await.pending, None);

    // Told of again, and of something that nobody sees.
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
async fn a_hook_that_fails_is_called_again_and_holds_nothing_back() {
    let script = [
        Play::Answer(500),
        Play::TooMany {
            retry_after: "1200",
        },
        Play::Redirect,
    ];
    let (receiver, url) = Receiver::start(&script).await;
    let mut world = world(&url).await;
    upload(&mut world, "IMG_0001").await;
    assert_eq!(receiver.calls(), 1);
    let failed = state(&world).await;
    assert!(failed.pending.is_some() && failed.last_answer.unwrap().starts_with("500"));
    upload(&mut world, "IMG_0002").await;
    assert_eq!(world.file("index.json").await.unwrap()["photos"], 2);

    world.pass(180);
    world.run_cycle().await.unwrap();
    assert_eq!(receiver.calls(), 2);
    world.pass(1_190);
    world.run_cycle().await.unwrap();
    assert_eq!(receiver.calls(), 2, "it asked for twenty minutes");
    world.pass(20);
    world.run_cycle().await.unwrap();
    let redirected = state(&world).await;
    assert!(redirected.last_answer.unwrap().contains("redirect"));
    world.pass(24 * 3600);
    world.run_cycle().await.unwrap();
    assert_eq!(state(&world).await.pending, None);
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
async fn a_hook_that_does_not_answer_is_given_up_and_its_url_told_to_nobody() {
    let (receiver, slow) = Receiver::start(&[Play::Slow]).await;
    // Accepts, and hangs up.
    let rude = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let reset = format!("http://{}/build_hooks/t0ken", rude.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((connection, _)) = rude.accept().await {
            drop(connection);
        }
    });
    let refused = "http://127.0.0.1:1/build_hooks/t0ken";
    for url in [&slow, &reset, refused] {
        let mut world = world(url).await;
        upload(&mut world, "IMG_0001").await;
        let state = world.published.state().await.unwrap();
        let text = format!("{state:?}");
        assert!(text.contains("no answer from 127.0.0.1"), "{text}");
        assert!(!text.contains("t0ken"), "{text}");
        assert_eq!(world.file("index.json").await.unwrap()["photos"], 1);
    }
    assert_eq!(receiver.calls(), 1);
}

#[tokio::test]
async fn a_trial_counts_and_clears_nothing() {
    let (receiver, url) = Receiver::start(&[Play::Answer(404)]).await;
    let world = world(&url).await;
    let hook = BuildHook::new(&url, &[], true).unwrap();
    let mut waiting = publish::HookState::default();
    waiting.add(1, None, None, world.now);
    world.published.put_hook(&waiting).await.unwrap();
    let answer = publish::send_trial_call(&world.published, &hook, world.now)
        .await
        .unwrap();
    assert!(
        !answer.is_success && answer.description.starts_with("404"),
        "{answer:?}"
    );
    let after = state(&world).await;
    assert_eq!((after.called.len(), receiver.calls()), (1, 1));
    assert_eq!(after.pending, waiting.pending);
    let _: published::PublishState = world.published.state().await.unwrap();
}
