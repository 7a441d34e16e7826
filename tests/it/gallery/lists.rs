//! The contents of lists, and single photos.

use photo_catalogue::catalogue::item::PhotoItem;
use photo_catalogue::photo_id::photo_slug;
use photo_catalogue::privacy::LocationPolicy;
use serde_json::json;

use super::fixture::{GalleryFixture, Shot};

async fn some_years() -> GalleryFixture {
    let fixture = GalleryFixture::new().await;
    for shot in [
        Shot::new("a", "2016-05-01T10:00:00")
            .camera("nikon-d750")
            .lens("50mm"),
        Shot::new("b", "2018-02-01T00:00:00").camera("nikon-d750"),
        Shot::new("c", "2018-02-01T23:59:59.999")
            .camera("canon-r5")
            .lens("50mm"),
        Shot::new("d", "2018-02-02T00:00:00")
            .lens("85mm")
            .camera("nikon-d750"),
        Shot::new("e", "2019-12-31T12:00:00")
            .private()
            .camera("nikon-d750"),
        Shot::undated("2017-01-01T00:00:00").camera("nikon-d750"),
        Shot::undated("scan").lens("50mm"),
    ] {
        fixture.add(&shot).await;
    }
    fixture
}

#[tokio::test]
async fn photos_are_newest_first_and_undated_ones_last() {
    let fixture = some_years().await;
    assert_eq!(
        fixture.names("/v1/photos").await,
        ["d", "c", "b", "a", "2017-01-01T00:00:00", "scan"]
    );
    assert_eq!(
        fixture.names("/v1/photos?order=oldest").await,
        ["a", "b", "c", "d", "2017-01-01T00:00:00", "scan"]
    );
}

#[tokio::test]
async fn filters_select_by_date_camera_and_lens() {
    let fixture = some_years().await;
    for (query, names) in [
        ("from=2018-02-01&to=2018-02-01", vec!["c", "b"]),
        ("from=2018-02-01T00:00:01&to=2018-02-02", vec!["d", "c"]),
        ("to=2018-02-01", vec!["c", "b", "a"]),
        ("from=2018-02-02", vec!["d"]),
        (
            "camera=nikon-d750",
            vec!["d", "b", "a", "2017-01-01T00:00:00"],
        ),
        (
            "camera=nikon-d750&order=oldest",
            vec!["a", "b", "d", "2017-01-01T00:00:00"],
        ),
        ("camera=nikon-d750&from=2017-01-01&to=2018-02-01", vec!["b"]),
        ("lens=50mm", vec!["c", "a", "scan"]),
        ("lens=50mm&camera=nikon-d750", vec!["a"]),
        ("camera=unknown", vec![]),
        ("from=2040-01-01&to=2040-01-01", vec![]),
        ("camera=nikon-d750&from=2019-01-01", vec![]),
    ] {
        assert_eq!(
            fixture.names(&format!("/v1/photos?{query}")).await,
            names,
            "{query}"
        );
        let one_by_one = fixture.names(&format!("/v1/photos?{query}&limit=1")).await;
        assert_eq!(one_by_one, names, "{query}, one by one");
    }
}

#[tokio::test]
async fn empty_catalogue_gives_an_empty_list() {
    assert_eq!(
        GalleryFixture::new().await.json("/v1/photos").await,
        json!({ "items": [], "next": null })
    );
}

#[tokio::test]
async fn last_page_has_no_cursor() {
    let fixture = GalleryFixture::new().await;
    for second in 0..4 {
        fixture
            .add(&Shot::new(
                &format!("p{second}"),
                &format!("2018-02-01T10:00:0{second}"),
            ))
            .await;
    }
    let page = fixture
        .json("/v1/photos?from=2018-02-01&to=2018-02-01&limit=4")
        .await;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(4));
    assert_eq!(page["next"], json!(null));
    assert!(fixture.json("/v1/photos?limit=3").await["next"].is_string());
}

#[tokio::test]
async fn page_of_one_partition_costs_one_index_query() {
    let fixture = GalleryFixture::new().await;
    for second in 10..60 {
        let shot = Shot::new(&format!("p{second}"), &format!("2018-02-01T10:00:{second}"));
        fixture
            .add(
                &shot
                    .camera("nikon")
                    .lens(if second == 59 { "rare" } else { "usual" }),
            )
            .await;
    }
    for path in [
        "/v1/photos?limit=20",
        "/v1/photos?from=2018-02-01&to=2018-02-01&limit=20",
        "/v1/photos?from=2018-02-01&to=2018-02-28",
        "/v1/photos?camera=nikon&limit=20",
        "/v1/photos?lens=usual&limit=20&order=oldest",
        "/v1/photos?camera=nikon&lens=rare&from=2018-01-01",
        "/v1/photos?camera=none&from=2018-01-01",
    ] {
        let (page, queries) = fixture.json_and_queries(path).await;
        assert_eq!(queries, 1, "{path}");
        if let Some(cursor) = page["next"].as_str() {
            let (_, queries) = fixture
                .json_and_queries(&format!("{path}&cursor={cursor}"))
                .await;
            assert_eq!(queries, 1, "{path}, second page");
        }
    }
}

#[tokio::test]
async fn empty_years_cost_a_bounded_number_of_queries() {
    let fixture = GalleryFixture::new().await;
    for year in 1980..2020 {
        let shot = Shot::new("p", &format!("{year}-02-01T10:00:00"));
        let item = fixture.add(&shot).await;
        // The set of years may be too large: a year stays in it after its last photo is removed.
        if year != 1980 {
            fixture.delete(&item.pk).await;
        }
    }
    let (first, queries) = fixture.json_and_queries("/v1/photos").await;
    assert_eq!(queries, 16);
    assert_eq!(first["items"], json!([]));
    assert!(first["next"].is_string());
    assert_eq!(fixture.names("/v1/photos").await, ["p"]);
}

#[tokio::test]
async fn photo_is_found_by_every_unicode_form_of_its_name() {
    let fixture = GalleryFixture::new().await;
    // Été, as a keyboard writes it, and as macOS writes it.
    let (composed, decomposed) = ("%C3%89t%C3%A9", "E%CC%81te%CC%81");
    fixture
        .add(&Shot::new("\u{c9}t\u{e9}", "2018-02-01T10:00:00"))
        .await;
    fixture
        .add(&Shot::new("E\u{301}te\u{301}", "2018-02-02T10:00:00"))
        .await;
    for day in ["2018-02-01", "2018-02-02"] {
        for name in [composed, decomposed] {
            for extension in ["", ".jpg"] {
                let path = format!("/v1/photos/{day}/{name}{extension}");
                let found = fixture.json(&path).await;
                assert_eq!(found["date"], day, "{path}");
            }
        }
    }
}

#[tokio::test]
async fn photo_is_found_by_id_stem_and_file_name() {
    let fixture = some_years().await;
    let item = Shot::new("b", "2018-02-01T00:00:00").item();
    let by_id = fixture.json(&format!("/v1/photos/{}", item.id)).await;
    assert_eq!(by_id["stem"], "2018-02-01/b");
    assert_eq!(
        by_id["tags"]["ExifIFD"],
        json!({ "FNumber": { "value": 2.8, "fraction": "28/10" } })
    );
    for name in ["2018-02-01/b", "2018-02-01/b.jpg", "2018-02-01%2Fb"] {
        assert_eq!(
            fixture.json(&format!("/v1/photos/{name}")).await,
            by_id,
            "{name}"
        );
    }
    let few = fixture.json("/v1/photos/2018-02-01/b?fields=tags,id").await;
    assert_eq!(few, json!({ "tags": by_id["tags"], "id": item.id }));
}

#[tokio::test]
async fn private_removed_claimed_and_unknown_photos_are_not_found() {
    let fixture = some_years().await;
    let private = Shot::new("e", "2019-12-31T12:00:00").item();
    let mut removed = fixture
        .add(&Shot::new("removed", "2018-03-01T00:00:00"))
        .await;
    removed
        .parts
        .values_mut()
        .for_each(|part| part.state = photo_catalogue::catalogue::item::PartState::Tombstone);
    removed.summary = None;
    fixture.put(&removed).await;
    let stub = PhotoItem::stub("2018-03-01/stub");
    fixture.put(&stub).await;
    let paths = [
        private.id.as_str(),
        "2019-12-31/e",
        "2019-12-31/e.jpg",
        &removed.id,
        "2018-03-01/removed",
        &stub.id,
        "2018-03-01/stub",
        "2018-03-01/stub.jpg",
        "aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "2018-02-01/b.JPG",
        "2018-02-01/b.png",
        "2018-02-01",
        "%ff",
        "..%2f..%2fetc%2fpasswd",
        &"a".repeat(5000),
    ];
    for path in paths {
        let response = fixture.get(&format!("/v1/photos/{path}")).await;
        assert_eq!(response.status(), 404, "{path}");
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
    }
}

#[tokio::test]
async fn list_has_the_requested_fields_and_no_hidden_location() {
    let fixture = some_years().await;
    let text = fixture.get("/v1/photos").await.text().await.expect("text");
    assert!(!text.contains("SECRET") && !text.contains("45.4"), "{text}");
    let day = "/v1/photos?from=2018-02-01&to=2018-02-01&limit=1";
    let page = fixture
        .json(&format!("{day}&fields=name,location,width"))
        .await;
    assert_eq!(
        page["items"],
        json!([{ "name": "c", "location": null, "width": 4000 }])
    );

    let rounded =
        GalleryFixture::with(|settings| settings.privacy = LocationPolicy::Round(1).into()).await;
    rounded.add(&Shot::new("a", "2018-02-01T00:00:00")).await;
    let page = rounded.json("/v1/photos?fields=location").await;
    let place = json!({ "lat": 45.5, "lon": -73.6, "alt": null, "precision": "round:1" });
    assert_eq!(page["items"], json!([{ "location": place }]));
}

#[tokio::test]
async fn photo_in_a_list_has_the_documented_form() {
    let fixture = GalleryFixture::with(|settings| {
        settings.privacy = LocationPolicy::Exact.into();
        settings.gallery_url = Some("https://photos.example/gallery".to_owned());
    })
    .await;
    fixture
        .add(
            &Shot::new("foobar", "2018-02-01T09:41:07.670")
                .camera("nikon-d750")
                .lens("50mm"),
        )
        .await;
    insta::assert_json_snapshot!(fixture.json("/v1/photos").await);
}

#[tokio::test]
async fn unreadable_item_does_not_hide_the_others() {
    let fixture = some_years().await;
    let item = Shot::new("bad", "2018-02-01T12:00:00").item();
    let mut bad: std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue> =
        serde_dynamo::to_item(&item).expect("an item");
    bad.insert(
        "summary".to_owned(),
        aws_sdk_dynamodb::types::AttributeValue::S("not a map".to_owned()),
    );
    fixture
        .client
        .put_item()
        .table_name("photos")
        .set_item(Some(bad))
        .send()
        .await
        .expect("written");
    assert_eq!(
        fixture
            .names("/v1/photos?from=2018-02-01&to=2018-02-01")
            .await,
        ["c", "b"]
    );
}

/// Starts a gallery with this location policy. Adds photos whose index keys follow the same policy.
async fn gallery_with_locations(policy: LocationPolicy) -> GalleryFixture {
    let fixture = GalleryFixture::with(|settings| settings.privacy = policy.into()).await;
    for (name, lon, lat) in [
        ("home", -73.601, 45.501),
        ("corner", -73.649, 45.549),
        ("far", -73.2, 45.501),
        ("fiji-west", 179.99, -17.5),
        ("fiji-east", -179.99, -17.5),
        ("pole", 10.0, 90.0),
    ] {
        let camera = if name == "corner" { "canon" } else { "nikon" };
        let shot = Shot::new(name, "2018-02-01T10:00:00").camera(camera);
        fixture.add(&shot.place(lon, lat, policy)).await;
    }
    let secret = Shot::new("secret", "2018-02-01T10:00:00").private();
    fixture.add(&secret.place(-73.601, 45.501, policy)).await;
    fixture
}

#[tokio::test]
async fn box_contains_photos_by_their_published_location() {
    let fixture = gallery_with_locations(LocationPolicy::Exact).await;
    for (query, names) in [
        ("bbox=-73.7,45.4,-73.5,45.6", vec!["corner", "home"]),
        ("bbox=-73.602,45.5,-73.6,45.502", vec!["home"]),
        ("bbox=-73.7,45.4,-73.5,45.6&camera=canon", vec!["corner"]),
        ("bbox=-73.7,45.4,-73.5,45.6&from=2018-02-02", vec![]),
        ("bbox=-73.7,45.4,-73.5,45.6&to=2018-02-01&lens=none", vec![]),
        (
            "bbox=179.9,-17.6,-179.9,-17.4",
            vec!["fiji-east", "fiji-west"],
        ),
        ("bbox=9.9,89.9,10.1,90", vec!["pole"]),
        ("bbox=0,0,0.1,0.1", vec![]),
    ] {
        for limit in ["", "&limit=1"] {
            let mut found = fixture.names(&format!("/v1/photos?{query}{limit}")).await;
            found.sort();
            assert_eq!(found, names, "{query}{limit}");
        }
    }
}

#[tokio::test]
async fn box_finds_rounded_locations_and_no_hidden_ones() {
    let rounded = gallery_with_locations(LocationPolicy::Round(1)).await;
    let mut found = rounded
        .names("/v1/photos?bbox=-73.61,45.49,-73.59,45.51")
        .await;
    found.sort();
    assert_eq!(found, ["corner", "home"]);
    assert_eq!(
        rounded
            .names("/v1/photos?bbox=-73.6011,45.5009,-73.6009,45.5011")
            .await,
        [""; 0]
    );
    let hidden = gallery_with_locations(LocationPolicy::Hide).await;
    let everywhere = hidden.json("/v1/photos?bbox=-73.7,45.4,-73.5,45.6").await;
    assert_eq!(everywhere, json!({ "items": [], "next": null }));
}

#[tokio::test]
async fn photo_indexed_under_another_policy_is_found_only_at_its_published_location() {
    let true_place =
        Shot::new("home", "2018-02-01T10:00:00").place(-73.47, 45.501, LocationPolicy::Exact);
    // The boxes are around the true place, and around the rounded places (-73, 46), (-73.5, 45.5)
    // and (-73.47, 45.5).
    let boxes = [
        "-73.48,45.5005,-73.46,45.51",
        "-73.01,45.99,-72.99,46.01",
        "-73.51,45.49,-73.49,45.51",
        "-73.472,45.4995,-73.468,45.5005",
    ];
    for (policy, shown) in [
        (LocationPolicy::Hide, None),
        (LocationPolicy::Round(0), Some(1)),
        (LocationPolicy::Round(1), Some(2)),
        (LocationPolicy::Round(2), Some(3)),
    ] {
        let fixture = GalleryFixture::with(|settings| settings.privacy = policy.into()).await;
        fixture.add(&true_place).await;
        for (at, bbox) in boxes.iter().enumerate() {
            let found = fixture.names(&format!("/v1/photos?bbox={bbox}")).await;
            assert_eq!(!found.is_empty(), shown == Some(at), "{policy} {bbox}");
        }
    }
}

#[tokio::test]
async fn photo_is_found_by_its_slug() {
    let fixture = GalleryFixture::new().await;
    let shots = [
        Shot::new("DSC_0001~2", "2018-02-01T09:41:07"),
        Shot::undated("scan 1"),
        Shot::new("\u{c9}t\u{e9}", "2018-02-01T09:41:07"),
    ];
    let mut slugs = Vec::new();
    for shot in shots {
        let item = fixture.add(&shot).await;
        let slug = photo_slug(&item.stem);
        let photo = fixture.json(&format!("/v1/photos/{slug}")).await;
        assert_eq!(
            (&photo["stem"], &photo["slug"]),
            (&json!(item.stem), &json!(slug))
        );
        assert_eq!(photo["addedAt"], "2026-01-02T03:04:05Z");
        slugs.push(slug);
    }
    assert_eq!(slugs[0], "2018-02-01-DSC_0001~2");
    let hidden = fixture
        .add(&Shot::new("e", "2018-02-01T09:41:07").private())
        .await;
    let id = &hidden.id;
    let scan = slugs[1].strip_prefix("undated").unwrap();
    for name in [
        // A private photo, and texts that only look like slugs.
        "2018-02-01-e".to_owned(),
        format!("2018-02-01-e-{id}"),
        format!("other{scan}"),
        "2018-02-01-DSC_0001".to_owned(),
        "2018-02-01-".to_owned(),
    ] {
        let response = fixture.get(&format!("/v1/photos/{name}")).await;
        assert_eq!(response.status(), 404, "{name}");
    }
}

#[tokio::test]
async fn slug_comes_before_the_name_of_a_file_outside_of_day_folders() {
    let fixture = GalleryFixture::new().await;
    let photo = fixture.add(&Shot::new("a", "2018-02-01T09:41:07")).await;
    let mut other = Shot::new("a", "2018-02-01T09:41:07").item();
    let named = PhotoItem::stub("2018-02-01-a");
    (other.pk, other.id, other.stem) = (named.pk, named.id, named.stem);
    if let Some(summary) = &mut other.summary {
        (summary.id, summary.stem) = (other.id.clone(), other.stem.clone());
    }
    fixture.put(&other).await;
    let found = async |name: &str| fixture.json(&format!("/v1/photos/{name}")).await["id"].clone();
    assert_eq!(found("2018-02-01-a").await, json!(photo.id));
    assert_eq!(found(&photo_slug("2018-02-01-a")).await, json!(other.id));
    fixture.delete(&photo.pk).await;
    assert_eq!(found("2018-02-01-a").await, json!(other.id));
}
