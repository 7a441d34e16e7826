//! Replaces values that differ from run to run by fixed names such as `<time>`. First checks that
//! each value has the expected form.

use crate::serve::process::RunningServe;
use chrono::{DateTime, NaiveDateTime};

/// Finds each text that is between `before` and `after`, and replaces it with `name`.
///
/// # Panics
/// Panics if `has_form` returns `false` for such a text.
pub(super) fn replace(
    text: &str,
    (before, after): (&str, &str),
    has_form: impl Fn(&str) -> bool,
    name: &str,
) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once(before) {
        let (value, tail) = tail
            .split_once(after)
            .unwrap_or_else(|| panic!("no {after:?} after {before:?} in {text}"));
        assert!(has_form(value), "{before}{value}{after} is not a {name}");
        out += head;
        out += before;
        out += name;
        out += after;
        rest = tail;
    }
    out + rest
}

/// Replaces the value of a text field in JSON with `name`. `field` is the name of the field.
pub(super) fn field(text: &str, field: &str, has_form: fn(&str) -> bool, name: &str) -> String {
    let text = replace(text, (&format!("\"{field}\":\""), "\""), has_form, name);
    // DynamoDB writes a text field as `{"S":"text"}`.
    let typed = format!("\"{field}\":{{\"S\":\"");
    replace(&text, (&typed, "\""), has_form, name)
}

/// Replaces the cursor of a page with a fixed name. The cursor is encrypted with a key that is new
/// in each process.
pub(super) fn cursor(json: &str) -> String {
    field(json, "next", is_cursor, "<cursor>")
}

/// Replaces the time at which an object was last written with a fixed name.
pub(super) fn last_modified(json: &str) -> String {
    field(json, "lastModified", is_second, "<time>")
}

/// Replaces the URLs of the two servers and the key pair with fixed names. They differ from run to
/// run.
pub(super) fn endpoints(text: &str, running: &RunningServe) -> String {
    text.replace(&running.s3, "<s3>")
        .replace(&running.gallery, "<gallery>")
        .replace(&running.access_key, "<access key>")
        .replace(&running.secret_key, "<secret key>")
}

/// Returns `true` if a text has the form of a cursor: base64url of a version, a random number
/// (nonce), the encrypted position, and a checksum (tag).
fn is_cursor(text: &str) -> bool {
    let is_base64url = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    text.len() > 64 && text.chars().all(is_base64url)
}

/// Returns `true` if a text is a time in UTC to the second, such as `2018-02-01T08:41:07Z`.
pub(super) fn is_second(text: &str) -> bool {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%SZ").is_ok()
}

/// Returns `true` if a text is a time in UTC, with or without a fraction of a second.
pub(super) fn is_time(text: &str) -> bool {
    text.ends_with('Z') && DateTime::parse_from_rfc3339(text).is_ok()
}

/// Returns `true` if a text is a time such as `2018-02-01 09:41:07`, without an offset.
pub(super) fn is_local_time(text: &str) -> bool {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").is_ok()
}

/// Returns `true` if a text is a date of HTTP, such as `Thu, 01 Feb 2018 08:41:07 GMT`.
pub(super) fn is_http_date(text: &str) -> bool {
    NaiveDateTime::parse_from_str(text, "%a, %d %b %Y %H:%M:%S GMT").is_ok()
}

/// Returns `true` if a text is a whole number.
pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

#[test]
fn only_the_value_of_the_field_is_replaced() {
    let json =
        r#"{"next":"2018-02-01T08:41:07Z","a":{"next":{"S":"2018-02-01T08:41:07Z"}},"b":"next"}"#;
    assert_eq!(
        field(json, "next", is_second, "<time>"),
        r#"{"next":"<time>","a":{"next":{"S":"<time>"}},"b":"next"}"#
    );
}

#[test]
#[should_panic(expected = "is not a <time>")]
fn a_value_of_another_form_is_refused() {
    field(r#"{"next":"soon"}"#, "next", is_second, "<time>");
}
