//! Tests of the gallery's routes that return counts: timeline, cameras, lenses and map.

use photo_catalogue::privacy::{LocationPolicy, Privacy};
use serde_json::{Value, json};

use super::fixture::PublishWorld;
use crate::gallery::fixture::{GalleryFixture, Shot};

async fn counted_world() -> PublishWorld {
    let mut world = PublishWorld::new().await;
    let exact = LocationPolicy::Exact;
    let shots = [
        Shot::new("IMG_0001", "2018-02-01T09:00:00")
            .camera("nikon-d750")
            .lens("50mm")
            .place(-73.61, 45.51, exact),
        Shot::new("IMG_0002", "2018-02-03T09:00:00")
            .camera("nikon-d750")
            .place(-73.62, 45.52, exact),
        Shot::new("IMG_0003", "2017-12-31T09:00:00")
            .camera("canon-eos-r6")
            .place(178.44, -18.14, exact),
        Shot::new("IMG_0004", "2018-02-03T09:00:00")
            .camera("secret")
            .private(),
        Shot::undated("IMG_0005").place(179.99, -16.9, exact),
    ];
    let records = world.change(&shots).await;
    world.mark(&records).await;
    world.settle().await;
    world
}

/// Starts a gallery over the tables of the world, with these privacy rules.
pub(super) async fn start_gallery(
    world: &PublishWorld,
    privacy: impl Into<Privacy>,
) -> GalleryFixture {
    GalleryFixture::over(world.client.clone(), |settings| {
        settings.privacy = privacy.into()
    })
    .await
}

#[tokio::test]
async fn timeline_cameras_and_lenses_are_counted_with_one_query_each() {
    let world = counted_world().await;
    let gallery = start_gallery(&world, LocationPolicy::Exact).await;
    let (_, queries) = gallery.json_and_queries("/v1/lenses").await;
    assert_eq!(queries, 2);
    let cases = [
        (
            "/v1/timeline",
            json!({"unit":"month","items":[{"date":"2018-02","photos":2},{"date":"2017-12","photos":1}],"undated":1}),
        ),
        (
            "/v1/timeline?unit=year",
            json!({"unit":"year","items":[{"date":"2018","photos":2},{"date":"2017","photos":1}],"undated":1}),
        ),
        (
            "/v1/cameras",
            json!({"items":[{"slug":"nikon-d750","name":"nikon-d750","photos":2},
                            {"slug":"canon-eos-r6","name":"canon-eos-r6","photos":1}]}),
        ),
        (
            "/v1/lenses",
            json!({"items":[{"slug":"50mm","name":"50mm","photos":1}]}),
        ),
    ];
    for (path, expected) in cases {
        assert_eq!(
            gallery.json_and_queries(path).await,
            (expected, 1),
            "{path}"
        );
    }
    let days = gallery.json("/v1/timeline?unit=day").await;
    assert_eq!(days["items"].as_array().unwrap().len(), 3);
    for (path, parameter) in [
        ("/v1/timeline?unit=week", "unit"),
        ("/v1/cameras?limit=1", "limit"),
        ("/v1/map?bbox=1,2,3", "bbox"),
        ("/v1/map?cursor=abc", "cursor"),
    ] {
        let answer = gallery.get(path).await;
        assert_eq!(answer.status(), 400, "{path}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["parameter"], parameter, "{path}");
    }
}

fn features(map: &Value) -> Vec<&Value> {
    assert_eq!(map["type"], "FeatureCollection");
    map["features"].as_array().unwrap().iter().collect()
}

#[tokio::test]
async fn a_map_has_points_in_a_small_box_and_clusters_in_a_large_one() {
    let world = counted_world().await;
    let gallery = start_gallery(&world, LocationPolicy::Exact).await;
    let small = "/v1/map?bbox=-73.7,45.4,-73.5,45.6";
    let answer = gallery.get(small).await;
    assert_eq!(answer.headers()["content-type"], "application/geo+json");
    let map = gallery.json(small).await;
    let points = features(&map);
    assert_eq!(points.len(), 2);
    assert_eq!(points[0]["geometry"]["type"], "Point");
    assert_eq!(points[0]["properties"]["date"], "2018-02-01");

    let map = gallery.json("/v1/map").await;
    let clusters = features(&map);
    assert_eq!(clusters.len(), 3);
    let photos = |features: &[&Value]| -> u64 {
        features
            .iter()
            .map(|one| one["properties"]["photos"].as_u64().unwrap())
            .sum()
    };
    assert_eq!(photos(&clusters), 4);
    // One box crosses the antimeridian, and one contains a pole.
    let fiji = gallery.json("/v1/map?bbox=177,-20,-178,-15").await;
    assert_eq!(photos(&features(&fiji)), 2);
    let pole = gallery.json("/v1/map?bbox=-180,60,180,90").await;
    assert!(features(&pole).is_empty());
}

/// Tests that the gallery never keeps old counts in memory. The test interrupts cycles: the first
/// before its first request, the second after one request, the third after two, and so on. After
/// each interruption, the next cycle must finish the work, and the gallery must return the new
/// counts.
#[tokio::test]
async fn the_counts_in_memory_follow_every_cycle() {
    let mut world = counted_world().await;
    let gallery = start_gallery(&world, LocationPolicy::Exact).await;
    for cut in 0..30 {
        let before = gallery.json("/v1/timeline").await;
        let shot = Shot::new(&format!("CUT_{cut:04}"), "2018-02-05T09:00:00");
        let records = world.change(&[shot]).await;
        world.mark(&records).await;
        world.pass(60);
        world.wire.cut_after(cut);
        let interrupted = world.run_cycle().await;
        gallery.json("/v1/timeline").await;
        world.wire.mend();
        world.settle().await;
        let after = gallery.json("/v1/timeline").await;
        let photos = |timeline: &Value| timeline["items"][0]["photos"].as_u64().unwrap();
        assert_eq!(photos(&after), photos(&before) + 1, "cut after {cut}");
        if interrupted.is_ok() {
            assert!(cut > 10, "{cut} requests");
            return;
        }
    }
    panic!("a cycle has more requests than the test tries");
}

#[tokio::test]
async fn cells_of_another_location_policy_are_not_served() {
    let world = counted_world().await;
    for policy in [LocationPolicy::Hide, LocationPolicy::Round(1)] {
        let gallery = start_gallery(&world, policy).await;
        let map = gallery.json("/v1/map").await;
        assert!(features(&map).is_empty(), "{map}");
    }
}
