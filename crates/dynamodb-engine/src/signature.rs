//! Verifies that a request was signed with a key pair (AWS Signature Version 4). Pure.
//!
//! The source is the IAM User Guide, "Create a signed AWS API request". Only requests of the
//! DynamoDB API are accepted: POST, the path `/`, no query, and a signature in the header
//! `Authorization`.

use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use data_encoding::HEXLOWER;
use http::{HeaderMap, header};
use s3_folder::KeyPair;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The name of the algorithm in the header `Authorization`.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The name of the service in the credential scope.
const SERVICE: &str = "dynamodb";
/// The maximum difference between the time of a signature and the time of the server.
const MAX_CLOCK_DIFFERENCE: TimeDelta = TimeDelta::minutes(15);

/// The fields of the header `Authorization`.
struct Authorization<'a> {
    access_key: &'a str,
    /// `20180201/us-east-1/dynamodb/aws4_request`.
    scope: &'a str,
    region: &'a str,
    /// The names of the signed headers, separated by semicolons.
    signed_headers: &'a str,
    signature: &'a str,
}

/// Reports whether a request was signed with `key_pair`, less than 15 minutes before or after
/// `now`. The signature must cover the headers `host` and `x-amz-date`, and the body.
pub(super) fn is_signed(
    headers: &HeaderMap,
    body: &[u8],
    key_pair: &KeyPair,
    now: DateTime<Utc>,
) -> bool {
    verify(headers, body, key_pair, now).unwrap_or(false)
}

/// Reports whether the header `Authorization` has the access key of `key_pair`. Does not verify the
/// signature.
pub(super) fn names_key_pair(headers: &HeaderMap, key_pair: &KeyPair) -> bool {
    let authorization = headers.get(header::AUTHORIZATION);
    authorization
        .and_then(|text| parse_authorization(text.to_str().ok()?))
        .is_some_and(|authorization| authorization.access_key == key_pair.access_key)
}

fn verify(
    headers: &HeaderMap,
    body: &[u8],
    key_pair: &KeyPair,
    now: DateTime<Utc>,
) -> Option<bool> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let authorization = parse_authorization(text(header::AUTHORIZATION.as_str())?)?;
    let date = text("x-amz-date")?;
    let signed = NaiveDateTime::parse_from_str(date, "%Y%m%dT%H%M%SZ")
        .ok()?
        .and_utc();
    let names: Vec<&str> = authorization.signed_headers.split(';').collect();
    let is_complete = names.contains(&"host") && names.contains(&"x-amz-date");
    let is_recent = (signed - now).abs() < MAX_CLOCK_DIFFERENCE;
    let is_same_day = authorization.scope.starts_with(&date[..8]);
    if !(is_complete && is_recent && is_same_day) || authorization.access_key != key_pair.access_key
    {
        return Some(false);
    }
    let mut canonical = String::from("POST\n/\n\n");
    for name in &names {
        let values: Option<Vec<&str>> = headers
            .get_all(*name)
            .iter()
            .map(|value| value.to_str().ok().map(str::trim))
            .collect();
        canonical += &format!("{name}:{}\n", values?.join(","));
    }
    canonical += &format!(
        "\n{}\n{}",
        authorization.signed_headers,
        HEXLOWER.encode(&Sha256::digest(body))
    );
    let to_sign = format!(
        "{ALGORITHM}\n{date}\n{}\n{}",
        authorization.scope,
        HEXLOWER.encode(&Sha256::digest(canonical.as_bytes()))
    );
    let key = generate_signing_key(
        &key_pair.secret_key,
        signed.into(),
        authorization.region,
        SERVICE,
    );
    let expected = calculate_signature(key, to_sign.as_bytes());
    Some(
        expected
            .as_bytes()
            .ct_eq(authorization.signature.as_bytes())
            .into(),
    )
}

/// Parses the header `Authorization`. Returns `None` if it has another form.
fn parse_authorization(text: &str) -> Option<Authorization<'_>> {
    let fields = text.strip_prefix(ALGORITHM)?.split(',').map(str::trim);
    let (mut credential, mut signed_headers, mut signature) = (None, None, None);
    for field in fields {
        match field.split_once('=')? {
            ("Credential", value) => credential = Some(value),
            ("SignedHeaders", value) => signed_headers = Some(value),
            ("Signature", value) => signature = Some(value),
            _ => return None,
        }
    }
    let (access_key, scope) = credential?.split_once('/')?;
    let [_, region, SERVICE, "aws4_request"] = scope.split('/').collect::<Vec<_>>()[..] else {
        return None;
    };
    Some(Authorization {
        access_key,
        scope,
        region,
        signed_headers: signed_headers?,
        signature: signature?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a request that the SDK signed at 2018-02-01 09:41:07 UTC.
    fn signed_request(key_pair: &KeyPair) -> (HeaderMap, &'static [u8]) {
        use aws_credential_types::Credentials;
        use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
        use aws_sigv4::sign::v4;

        let body = br#"{"TableName":"photos"}"#.as_slice();
        let time = now().into();
        let identity = Credentials::new(
            &key_pair.access_key,
            &key_pair.secret_key,
            None,
            None,
            "test",
        )
        .into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region("eu-central-1")
            .name(SERVICE)
            .time(time)
            .settings(SigningSettings::default())
            .build()
            .expect("complete")
            .into();
        let own = [
            ("host", "127.0.0.1:8000"),
            ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", "DynamoDB_20120810.DescribeTable"),
        ];
        let request = SignableRequest::new(
            "POST",
            "http://127.0.0.1:8000/",
            own.into_iter(),
            SignableBody::Bytes(body),
        );
        let (instructions, _) = sign(request.expect("signable"), &parameters)
            .expect("signed")
            .into_parts();
        let mut headers = HeaderMap::new();
        for (name, value) in own.into_iter().chain(instructions.headers()) {
            let name = http::HeaderName::try_from(name).expect("a name");
            headers.insert(name, value.parse().expect("a value"));
        }
        (headers, body)
    }

    fn now() -> DateTime<Utc> {
        "2018-02-01T09:41:07Z".parse().expect("a time")
    }

    #[test]
    fn request_of_the_sdk_is_signed() {
        let key_pair = KeyPair::new("photos", "own");
        let (headers, body) = signed_request(&key_pair);
        assert!(is_signed(&headers, body, &key_pair, now()));
        assert!(names_key_pair(&headers, &key_pair));
        assert!(!names_key_pair(&headers, &KeyPair::new("other", "own")));
        assert!(is_signed(
            &headers,
            body,
            &key_pair,
            now() + TimeDelta::minutes(14)
        ));
    }

    #[test]
    fn any_other_request_is_not() {
        let key_pair = KeyPair::new("photos", "own");
        let (headers, body) = signed_request(&key_pair);
        for other in [
            KeyPair::new("photos", "other"),
            KeyPair::new("other", "own"),
        ] {
            assert!(!is_signed(&headers, body, &other, now()));
        }
        assert!(!is_signed(&headers, b"{}", &key_pair, now()));
        for minutes in [-16, 16] {
            assert!(!is_signed(
                &headers,
                body,
                &key_pair,
                now() + TimeDelta::minutes(minutes)
            ));
        }
        for name in [
            "x-amz-target",
            "host",
            "x-amz-date",
            "authorization",
            "content-type",
        ] {
            let mut changed = headers.clone();
            changed.insert(name, "x".parse().expect("a value"));
            assert!(!is_signed(&changed, body, &key_pair, now()), "{name}");
            changed.remove(name);
            assert!(!is_signed(&changed, body, &key_pair, now()), "{name}");
        }
        let unsigned_host = headers["authorization"]
            .to_str()
            .expect("text")
            .replace("host;", "");
        let mut changed = headers.clone();
        changed.insert("authorization", unsigned_host.parse().expect("a value"));
        assert!(!is_signed(&changed, body, &key_pair, now()));
    }
}
