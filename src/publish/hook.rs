//! The build hook: one POST that tells a host to build the site anew. Its URL is a secret: who knows it can build.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{StatusCode, Url};

use super::schedule::{HookResponse, PendingBuild};
use crate::telemetry::error_chain;

/// Hosts that are allowed without being named: Netlify, Vercel, Cloudflare.
const HOSTS: [&str; 3] = ["api.netlify.com", "api.vercel.com", "api.cloudflare.com"];
/// The host that shows a title with a build.
const NETLIFY: &str = "api.netlify.com";
/// How long the receiver may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// What a receiver may ask us to wait at most.
const LONGEST_RETRY_AFTER: TimeDelta = TimeDelta::hours(24);

/// A hook that may be called.
#[derive(Clone)]
pub struct BuildHook {
    url: Url,
    client: reqwest::Client,
}

/// Why a hook's URL was refused. Never tells the URL.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// It is no URL.
    #[error("the build hook is not a URL")]
    NoUrl,
    /// It is not encrypted.
    #[error("the build hook must be an https URL: it is a secret")]
    NotHttps,
    /// Its host is not one of those that are allowed.
    #[error(
        "the build hook's host {0} is not allowed; allowed are {known}, and what HOOK_HOSTS names",
        known = HOSTS.join(", ")
    )]
    Host(String),
    /// It names an address that is nobody's on the internet.
    #[error("the build hook's address {0} is not a public one")]
    Address(IpAddr),
    /// The HTTP client could not be made.
    #[error("the build hook's HTTP client: {0}")]
    Client(String),
}

/// Only the host: the rest is the secret.
impl fmt::Debug for BuildHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BuildHook({})", self.host())
    }
}

impl BuildHook {
    /// A hook at this URL, whose host is one of the known ones or of `hosts`. With `loopback`, for `photos serve`, this
    /// machine's own addresses are allowed too, and there without encryption.
    ///
    /// # Errors
    /// See [`HookError`].
    pub fn new(url: &str, hosts: &[String], loopback: bool) -> Result<Self, HookError> {
        let url = Url::parse(url).map_err(|_| HookError::NoUrl)?;
        let host = url.host_str().ok_or(HookError::NoUrl)?.to_owned();
        let literal: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        let here = loopback && (host == "localhost" || literal.is_some_and(|ip| ip.is_loopback()));
        if url.scheme() != "https" && !(here && url.scheme() == "http") {
            return Err(HookError::NotHttps);
        }
        if !here && !HOSTS.contains(&host.as_str()) && !hosts.contains(&host) {
            return Err(HookError::Host(host));
        }
        // An address that is spelt out is not resolved.
        if let Some(address) = literal.filter(|address| !here && !is_public(*address)) {
            return Err(HookError::Address(address));
        }
        // reqwest asks for the process's provider; another part of it may have chosen the same one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(TIMEOUT)
            .https_only(!here)
            .no_proxy()
            .dns_resolver(PublicOnly { loopback: here })
            .build()
            .map_err(|error| HookError::Client(error_chain(&error.without_url())))?;
        Ok(BuildHook { url, client })
    }

    /// Calls it, once. Not safe to repeat: each call is a build.
    pub async fn call(&self, pending: &PendingBuild, now: DateTime<Utc>) -> HookResponse {
        let mut url = self.url.clone();
        if url.host_str() == Some(NETLIFY) {
            url.query_pairs_mut()
                .append_pair("trigger_title", &build_title(pending));
        }
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json");
        match request.body("{}").send().await {
            Ok(response) => {
                let status = response.status();
                let retry_after = response.headers().get(RETRY_AFTER);
                let not_before = retry_after
                    .and_then(|value| value.to_str().ok())
                    .and_then(|value| retry_at(value, now));
                HookResponse {
                    is_success: status.is_success(),
                    description: words(status),
                    not_before,
                }
            }
            Err(error) => HookResponse {
                is_success: false,
                description: format!(
                    "no answer from {}: {}",
                    self.host(),
                    error_chain(&error.without_url())
                ),
                not_before: None,
            },
        }
    }

    fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }
}

/// What a host that shows one is told: `37 photos, 2018-02-01 to 2018-02-03`.
pub fn build_title(pending: &PendingBuild) -> String {
    let photos = match pending.photos {
        1 => "1 photo".to_owned(),
        photos => format!("{photos} photos"),
    };
    match (&pending.from, &pending.to) {
        (Some(from), Some(to)) if from == to => format!("{photos}, {from}"),
        (Some(from), Some(to)) => format!("{photos}, {from} to {to}"),
        _ => photos,
    }
}

fn words(status: StatusCode) -> String {
    let advice = match status.as_u16() {
        300..=399 => ": a redirect, which is not followed; set the hook's own URL",
        401 | 403 | 404 | 410 => ": the hook may have been removed; set a new one",
        _ => "",
    };
    format!("{status}{advice}")
}

/// `Retry-After`: seconds, or a date [RFC 9110, 10.2.3].
fn retry_at(value: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let at = match value.trim().parse::<u32>() {
        Ok(seconds) => now + TimeDelta::seconds(i64::from(seconds)),
        Err(_) => DateTime::parse_from_rfc2822(value.trim()).ok()?.to_utc(),
    };
    Some(at.min(now + LONGEST_RETRY_AFTER))
}

/// Resolves names to public addresses only, so that a name cannot lead into a private network.
struct PublicOnly {
    loopback: bool,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let loopback = self.loopback;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found
                .filter(|address| is_public(address.ip()) || loopback && address.ip().is_loopback())
                .collect();
            if allowed.is_empty() {
                return Err("its name leads to no public address".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is somebody's on the internet [RFC 6890].
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || first == 0
        || first >= 240
        || (first == 100 && (64..128).contains(&second))
        || (first == 192 && second == 0 && third == 0)
        || (first == 198 && (18..20).contains(&second)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let segments = address.segments();
    // What is given out is 2000::/3; in it 6to4, Teredo and documentation lead elsewhere or nowhere.
    (0x2000..0x4000).contains(&segments[0])
        && segments[0] != 0x2002
        && !(segments[0] == 0x2001 && matches!(segments[1], 0 | 0xdb8))
        && segments[0] != 0x3fff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_to_known_hosts() {
        let hook = |url: &str| BuildHook::new(url, &["build.example.org".to_owned()], false);
        for known in [
            "https://api.netlify.com/build_hooks/t0ken",
            "https://api.vercel.com/v1/integrations/deploy/prj_x/t0ken",
            "https://api.cloudflare.com/client/v4/pages/webhooks/deploy_hooks/t0ken",
            "https://build.example.org/t0ken",
        ] {
            assert!(hook(known).is_ok(), "{known}");
        }
        for refused in [
            "not a URL",
            "http://api.netlify.com/build_hooks/t0ken",
            "https://example.net/t0ken",
            "https://api.netlify.com.example.net/t0ken",
            "https://127.0.0.1/t0ken",
            "http://localhost:9000/t0ken",
        ] {
            let error = hook(refused).expect_err(refused).to_string();
            assert!(!error.contains("t0ken"), "{error}");
        }
        assert!(BuildHook::new("http://127.0.0.1:9000/t0ken", &[], true).is_ok());
        assert!(BuildHook::new("http://example.net/t0ken", &[], true).is_err());
    }

    #[test]
    fn an_allowed_host_that_is_a_private_address_is_refused() {
        for address in ["10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:a00:1]"] {
            let url = format!("https://{address}/t0ken");
            let refused = BuildHook::new(&url, &[address.to_owned()], false);
            assert!(matches!(refused, Err(HookError::Address(_))), "{address}");
        }
    }

    #[test]
    fn addresses_that_are_nobodys_on_the_internet() {
        let public = |address: &str| is_public(address.parse().expect("an address"));
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "2001:db8::1",
            "2002:a00:1::",
            "64:ff9b::a00:1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!public(private), "{private}");
        }
        for somebodys in [
            "3.33.186.135",
            "172.32.0.1",
            "2600:1f18::1",
            "::ffff:3.33.186.135",
        ] {
            assert!(public(somebodys), "{somebodys}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_has_a_limit() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        assert_eq!(retry_at("120", now), Some(now + TimeDelta::seconds(120)));
        assert_eq!(
            retry_at("Tue, 14 Nov 2023 22:14:20 GMT", now),
            Some(now + TimeDelta::seconds(60))
        );
        assert_eq!(retry_at("4000000000", now), Some(now + LONGEST_RETRY_AFTER));
        assert_eq!(retry_at("soon", now), None);
    }

    #[test]
    fn a_title_says_how_many_photos_of_which_days() {
        let pending = |photos, from: Option<&str>, to: Option<&str>| PendingBuild {
            since: DateTime::UNIX_EPOCH,
            last: DateTime::UNIX_EPOCH,
            photos,
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
            generation: 1,
        };
        let days = (Some("2018-02-01"), Some("2018-02-03"));
        assert_eq!(
            build_title(&pending(37, days.0, days.1)),
            "37 photos, 2018-02-01 to 2018-02-03"
        );
        assert_eq!(
            build_title(&pending(1, days.0, days.0)),
            "1 photo, 2018-02-01"
        );
        assert_eq!(build_title(&pending(2, None, None)), "2 photos");
    }
}
