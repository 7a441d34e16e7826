//! The build hook: a POST request that starts a build of the site at its host. The URL is a secret,
//! because anyone who has it can start builds.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode, Url};

use super::schedule::{HookResponse, MAX_RETRY_AFTER, PendingBuild};
use crate::telemetry::error_chain;

/// The hosts of build hooks that are allowed without configuration: those of Netlify, Vercel and
/// Cloudflare.
const KNOWN_HOSTS: [&str; 3] = ["api.netlify.com", "api.vercel.com", "api.cloudflare.com"];
/// The host of Netlify's build hooks. Only calls to this host contain the title of the build.
const NETLIFY: &str = "api.netlify.com";
/// The maximum time that one call of the build hook may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A build hook with an allowed URL.
#[derive(Clone)]
pub struct BuildHook {
    url: Url,
    client: reqwest::Client,
}

/// The reason why a build hook cannot be created. The error texts never contain the URL, because it
/// is secret.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The text is not a URL.
    #[error("the build hook is not a URL")]
    NoUrl,
    /// The scheme of the URL is not `https`.
    #[error("the build hook must be an https URL: it is a secret")]
    NotHttps,
    /// The host of the URL is not allowed.
    #[error(
        "the build hook's host {0} is not allowed; allowed are {known} and the hosts in HOOK_HOSTS",
        known = KNOWN_HOSTS.join(", ")
    )]
    Host(String),
    /// The host of the URL is an IP address that is not public.
    #[error("the build hook's address {0} is not a public one")]
    Address(IpAddr),
    /// The HTTP client could not be created.
    #[error("the HTTP client of the build hook cannot be created: {0}")]
    Client(#[source] reqwest::Error),
}

/// Shows only the host, because the rest of the URL is secret.
impl fmt::Debug for BuildHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BuildHook({})", self.host())
    }
}

impl BuildHook {
    /// Creates a hook with this URL. The host of the URL must be a host of Netlify, Vercel or
    /// Cloudflare, or one of `hosts`. If `loopback` is `true`, as in `photos serve`, the addresses
    /// of this machine are allowed too, even with `http`.
    ///
    /// # Errors
    /// Fails if the URL is not allowed. See [`HookError`].
    pub fn new(url: &str, hosts: &[String], loopback: bool) -> Result<Self, HookError> {
        let url = Url::parse(url).map_err(|_| HookError::NoUrl)?;
        let host = url.host_str().ok_or(HookError::NoUrl)?.to_owned();
        let literal: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        let is_literal_loopback = literal.is_some_and(|ip| ip.is_loopback());
        let is_local = loopback && (host == "localhost" || is_literal_loopback);
        if url.scheme() != "https" && !(is_local && url.scheme() == "http") {
            return Err(HookError::NotHttps);
        }
        if !is_local && !KNOWN_HOSTS.contains(&host.as_str()) && !hosts.contains(&host) {
            return Err(HookError::Host(host));
        }
        // The client does not resolve a literal address, so `PublicResolver` never sees it.
        if let Some(address) = literal.filter(|address| !is_local && !is_public(*address)) {
            return Err(HookError::Address(address));
        }
        // reqwest uses the crypto provider of the process. The call fails only if this provider is
        // installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(TIMEOUT)
            .https_only(!is_local)
            .no_proxy()
            .dns_resolver(PublicResolver { loopback: is_local })
            .build()
            .map_err(|error| HookError::Client(error.without_url()))?;
        Ok(BuildHook { url, client })
    }

    /// Calls the hook once. Each call starts a build. `pending` determines the title of the build.
    /// If the call fails, the response describes the failure.
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
            Ok(response) => read_response(&response, now),
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

/// Returns the title of a build, such as `37 photos, 2018-02-01 to 2018-02-03`. Netlify shows the
/// title next to the build.
///
/// ```
/// use chrono::DateTime;
/// use photo_catalogue::publish::{PendingBuild, build_title};
///
/// let pending = PendingBuild {
///     since: DateTime::UNIX_EPOCH,
///     last: DateTime::UNIX_EPOCH,
///     photos: 37,
///     from: Some("2018-02-01".to_owned()),
///     to: Some("2018-02-03".to_owned()),
///     generation: 1,
/// };
/// assert_eq!(build_title(&pending), "37 photos, 2018-02-01 to 2018-02-03");
/// ```
pub fn build_title(pending: &PendingBuild) -> String {
    let photos = match pending.photos {
        // Only albums have changed.
        0 => "albums".to_owned(),
        1 => "1 photo".to_owned(),
        photos => format!("{photos} photos"),
    };
    match (&pending.from, &pending.to) {
        (Some(from), Some(to)) if from == to => format!("{photos}, {from}"),
        (Some(from), Some(to)) => format!("{photos}, {from} to {to}"),
        _ => photos,
    }
}

fn read_response(response: &Response, now: DateTime<Utc>) -> HookResponse {
    let retry_after = response.headers().get(RETRY_AFTER);
    HookResponse {
        is_success: response.status().is_success(),
        description: describe_status(response.status()),
        not_before: retry_after
            .and_then(|value| value.to_str().ok())
            .and_then(|value| parse_retry_after(value, now)),
    }
}

fn describe_status(status: StatusCode) -> String {
    let advice = match status.as_u16() {
        300..=399 => ": a redirect, which is not followed; set the hook's own URL",
        401 | 403 | 404 | 410 => ": the hook may have been removed; set a new one",
        _ => "",
    };
    format!("{status}{advice}")
}

/// Parses the header `Retry-After`, which is a number of seconds or a date [RFC 9110, 10.2.3].
/// Returns the earliest time of the next call. It is at most [`MAX_RETRY_AFTER`] after `now`.
fn parse_retry_after(value: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let at = match value.trim().parse::<u32>() {
        Ok(seconds) => now + TimeDelta::seconds(i64::from(seconds)),
        Err(_) => DateTime::parse_from_rfc2822(value.trim()).ok()?.to_utc(),
    };
    Some(at.min(now + MAX_RETRY_AFTER))
}

/// A DNS resolver that returns only public addresses, so that a host name cannot lead into a
/// private network.
struct PublicResolver {
    /// `true` if loopback addresses are allowed too.
    loopback: bool,
}

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let loopback = self.loopback;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found
                .filter(|address| is_public(address.ip()) || loopback && address.ip().is_loopback())
                .collect();
            if allowed.is_empty() {
                return Err("its name has no public address".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Reports whether an address is reachable on the public internet [RFC 6890].
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
    // Public addresses are allocated from 2000::/3. The prefixes of 6to4, Teredo and documentation
    // are within it, but do not lead to public hosts.
    (0x2000..0x4000).contains(&segments[0])
        && segments[0] != 0x2002
        && !(segments[0] == 0x2001 && matches!(segments[1], 0 | 0xdb8))
        && segments[0] != 0x3fff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_urls_of_known_hosts_are_allowed() {
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
    fn a_private_address_is_refused_even_if_its_host_is_allowed() {
        for address in ["10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:a00:1]"] {
            let url = format!("https://{address}/t0ken");
            let refused = BuildHook::new(&url, &[address.to_owned()], false);
            assert!(matches!(refused, Err(HookError::Address(_))), "{address}");
        }
    }

    #[test]
    fn private_and_reserved_addresses_are_not_public() {
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
        for known_public in [
            "3.33.186.135",
            "172.32.0.1",
            "2600:1f18::1",
            "::ffff:3.33.186.135",
        ] {
            assert!(public(known_public), "{known_public}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_up_to_a_limit() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        assert_eq!(
            parse_retry_after("120", now),
            Some(now + TimeDelta::seconds(120))
        );
        assert_eq!(
            parse_retry_after("Tue, 14 Nov 2023 22:14:20 GMT", now),
            Some(now + TimeDelta::seconds(60))
        );
        assert_eq!(
            parse_retry_after("4000000000", now),
            Some(now + MAX_RETRY_AFTER)
        );
        assert_eq!(parse_retry_after("soon", now), None);
    }

    #[test]
    fn a_build_title_has_the_number_of_photos_and_their_days() {
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
