//! Decides by its headers whether a request may reach the server. Pure.

use std::net::{IpAddr, Ipv6Addr};

use http::uri::Authority;
use http::{HeaderMap, Method, Uri, header};

/// The origins whose pages may send requests to a server, in addition to the server's own pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// No other origin.
    #[default]
    OwnOnly,
    /// All origins of this machine: `localhost` and loopback addresses, with any scheme and port. A
    /// site that is being developed on this machine has such an origin.
    ThisMachine,
    /// The listed origins, for example `https://photos.example`.
    Listed(Vec<String>),
    /// Every origin.
    Any,
}

impl AllowedOrigins {
    /// Parses origins that are separated by commas. `*` means every origin. An empty text means no
    /// other origin. An origin has no slash at its end (RFC 6454, section 6.2), but people often
    /// write one, so it is removed.
    pub fn parse(text: &str) -> Self {
        let origins = text
            .split(',')
            .map(|origin| origin.trim().trim_end_matches('/'));
        let origins: Vec<String> = origins
            .filter(|origin| !origin.is_empty())
            .map(str::to_owned)
            .collect();
        if origins.is_empty() {
            AllowedOrigins::OwnOnly
        } else if origins.iter().any(|origin| origin == "*") {
            AllowedOrigins::Any
        } else {
            AllowedOrigins::Listed(origins)
        }
    }

    /// Reports whether pages of this origin may send requests to the server. The server's own
    /// origin is not considered.
    pub fn allow(&self, origin: &str) -> bool {
        match self {
            AllowedOrigins::OwnOnly => false,
            AllowedOrigins::ThisMachine => is_origin_of_this_machine(origin),
            AllowedOrigins::Listed(origins) => origins
                .iter()
                .any(|allowed| allowed.eq_ignore_ascii_case(origin)),
            AllowedOrigins::Any => true,
        }
    }
}

/// Checks the host and the origin of each request to a server.
///
/// If a server accepts only requests that pass this check, a foreign page cannot use the server.
/// DNS rebinding does not help the page, because its requests contain its own host name.
#[derive(Debug, Clone, Default)]
pub struct RequestGuard {
    /// The names of the server, in lower case, in addition to IP addresses and `localhost`.
    hosts: Vec<String>,
    origins: AllowedOrigins,
}

/// The reason why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedRequest {
    /// The request has no host, or the host is not a name of the server.
    ForeignHost,
    /// The request comes from a page of an origin that is not allowed.
    ForeignOrigin,
}

impl std::fmt::Display for RefusedRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            RefusedRequest::ForeignHost => {
                "The host name of this request is not a name of this server. Use 127.0.0.1 or \
                 localhost, or start the server with --host NAME.\n"
            }
            RefusedRequest::ForeignOrigin => {
                "This request comes from a page of another site. The server refuses it.\n"
            }
        })
    }
}

impl std::error::Error for RefusedRequest {}

impl RequestGuard {
    /// Builds a guard for a server that has the names `hosts`. The server also has the name
    /// `localhost` and all IP addresses: a page cannot have an IP address as its own name.
    pub fn new<H: Into<String>>(
        hosts: impl IntoIterator<Item = H>,
        origins: AllowedOrigins,
    ) -> Self {
        let hosts = hosts
            .into_iter()
            .map(|host| host.into().trim().to_ascii_lowercase());
        RequestGuard {
            hosts: hosts.collect(),
            origins,
        }
    }

    /// Checks the head of a request. `authority` is the host in the request line, if it has one.
    ///
    /// # Errors
    /// Returns the reason if the request must be refused.
    pub fn check(
        &self,
        method: &Method,
        authority: Option<&Authority>,
        headers: &HeaderMap,
    ) -> Result<(), RefusedRequest> {
        let host = self.own_host(authority, headers)?;
        let mut origins = headers.get_all(header::ORIGIN).iter();
        if let Some(origin) = origins.next() {
            let origin = origin.to_str().map_err(|_| RefusedRequest::ForeignOrigin)?;
            let is_allowed = is_own_origin(origin, &host) || self.origins.allow(origin);
            return match origins.next() {
                None if is_allowed => Ok(()),
                _ => Err(RefusedRequest::ForeignOrigin),
            };
        }
        self.check_without_origin(method, headers)
    }

    /// Checks a request without an origin. Browsers send no origin if they follow a link or load an
    /// image or a style sheet. But they send the relation of the two sites in `Sec-Fetch-Site`
    /// (W3C, Fetch Metadata Request Headers), and the page or its origin in `Referer`.
    fn check_without_origin(
        &self,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<(), RefusedRequest> {
        let is_cross_site = has_value(headers, "sec-fetch-site", "cross-site");
        let is_link = *method == Method::GET && has_value(headers, "sec-fetch-mode", "navigate");
        let comes_from_allowed_page = || {
            let page = headers.get(header::REFERER);
            let page = page.and_then(|page| page.to_str().ok());
            page.and_then(origin_of_page)
                .is_some_and(|origin| self.origins.allow(&origin))
        };
        let is_open = self.origins == AllowedOrigins::Any;
        if is_open || !is_cross_site || is_link || comes_from_allowed_page() {
            Ok(())
        } else {
            Err(RefusedRequest::ForeignOrigin)
        }
    }

    /// Returns the host of a request, if it is a name of the server.
    fn own_host(
        &self,
        authority: Option<&Authority>,
        headers: &HeaderMap,
    ) -> Result<Authority, RefusedRequest> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = match (authority, hosts.next()) {
            (Some(authority), _) => authority.clone(),
            (None, Some(host)) => {
                Authority::try_from(host.as_bytes()).map_err(|_| RefusedRequest::ForeignHost)?
            }
            (None, None) => return Err(RefusedRequest::ForeignHost),
        };
        if hosts.next().is_some() || host.as_str().contains('@') {
            return Err(RefusedRequest::ForeignHost);
        }
        let name = host.host().to_ascii_lowercase();
        if is_ip_address(&name) || name == "localhost" || self.hosts.contains(&name) {
            Ok(host)
        } else {
            Err(RefusedRequest::ForeignHost)
        }
    }
}

/// Reports whether a page of this origin is on this machine. Its host is `localhost` or a loopback
/// address. The scheme and the port do not matter.
fn is_origin_of_this_machine(origin: &str) -> bool {
    let Some(host) = authority_of(origin) else {
        return false;
    };
    let name = host.host().to_ascii_lowercase();
    name == "localhost" || parse_ip_address(&name).is_some_and(|address| address.is_loopback())
}

/// Reports whether an origin is that of the server itself, under the host that the request names.
fn is_own_origin(origin: &str, host: &Authority) -> bool {
    let Some(origin) = authority_of(origin) else {
        return false;
    };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(80);
    origin.host().eq_ignore_ascii_case(host.host()) && port(&origin) == port(host)
}

/// Returns the host and port of an origin, for example of `http://localhost:4321`. Returns `None`
/// if the text is not an HTTP origin: for example `null`.
fn authority_of(origin: &str) -> Option<Authority> {
    let uri: Uri = origin.parse().ok()?;
    matches!(uri.scheme_str(), Some("http" | "https")).then_some(())?;
    let authority = uri.authority()?.clone();
    (!authority.as_str().contains('@')).then_some(authority)
}

/// Returns the origin of a page, for example `http://localhost:4321` of
/// `http://localhost:4321/photos/1`. Returns `None` if the text is not an HTTP URL.
fn origin_of_page(page: &str) -> Option<String> {
    let authority = authority_of(page)?;
    let (scheme, _) = page.split_once("://")?;
    Some(format!("{scheme}://{authority}"))
}

fn is_ip_address(name: &str) -> bool {
    parse_ip_address(name).is_some()
}

/// Parses an IP address. An IPv6 address is in brackets.
fn parse_ip_address(name: &str) -> Option<IpAddr> {
    match name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
    {
        Some(name) => name.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => name.parse().ok(),
    }
}

fn has_value(headers: &HeaderMap, name: &str, value: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .any(|found| found.as_bytes().eq_ignore_ascii_case(value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(guard: &RequestGuard, method: &str, headers: &[(&str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = http::HeaderName::try_from(*name).expect("a name");
            map.append(name, value.parse().expect("a value"));
        }
        let method = method.parse().expect("a method");
        guard.check(&method, None, &map).is_ok()
    }

    #[test]
    fn host_must_be_an_address_or_a_name_of_the_server() {
        let guard = RequestGuard::new(["Photos.local"], AllowedOrigins::OwnOnly);
        let own = [
            "127.0.0.1",
            "127.0.0.1:9000",
            "localhost",
            "LOCALHOST:1",
            "[::1]:80",
            "192.168.1.7",
            "photos.LOCAL",
        ];
        for host in own {
            assert!(check(&guard, "GET", &[("host", host)]), "{host}");
        }
        let foreign = [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.nip.io",
            "photos.local.evil",
            "a@127.0.0.1",
            "[127.0.0.1]",
            "",
        ];
        for host in foreign {
            assert!(!check(&guard, "GET", &[("host", host)]), "{host}");
        }
        assert!(!check(&guard, "GET", &[]));
        assert!(!check(
            &guard,
            "GET",
            &[("host", "localhost"), ("host", "localhost")]
        ));
    }

    #[test]
    fn origin_must_be_the_server_or_allowed() {
        let host = ("host", "127.0.0.1:9000");
        let allows = |origins: &AllowedOrigins, origin: &str| {
            let guard = RequestGuard::new([""; 0], origins.clone());
            check(&guard, "POST", &[host, ("origin", origin)])
        };
        let listed = AllowedOrigins::Listed(vec!["https://photos.example".to_owned()]);
        for origins in [
            &AllowedOrigins::OwnOnly,
            &AllowedOrigins::ThisMachine,
            &listed,
        ] {
            assert!(allows(origins, "http://127.0.0.1:9000"));
            for foreign in [
                "https://evil.example",
                "null",
                "http://localhost.evil.example",
                "file://",
                "http://a@localhost",
            ] {
                assert!(!allows(origins, foreign), "{origins:?} {foreign}");
            }
        }
        assert!(!allows(&AllowedOrigins::OwnOnly, "http://127.0.0.1:4321"));
        for site in [
            "http://localhost:4321",
            "https://127.0.0.1",
            "http://[::1]:3000",
            "http://127.9.9.9",
        ] {
            assert!(allows(&AllowedOrigins::ThisMachine, site), "{site}");
        }
        assert!(!allows(&AllowedOrigins::ThisMachine, "http://192.168.1.7"));
        assert!(allows(&listed, "https://photos.example"));
        assert!(!allows(&listed, "http://photos.example"));
        assert!(allows(&AllowedOrigins::Any, "https://evil.example"));
    }

    #[test]
    fn origins_are_parsed_as_people_write_them() {
        let listed = AllowedOrigins::parse(" https://a.example/ ,, http://b.example:81");
        assert!(listed.allow("https://a.example") && listed.allow("http://b.example:81"));
        assert!(!listed.allow("https://b.example"));
        assert_eq!(AllowedOrigins::parse(" , "), AllowedOrigins::OwnOnly);
        assert_eq!(
            AllowedOrigins::parse("https://a.example, *"),
            AllowedOrigins::Any
        );
    }

    #[test]
    fn several_origins_are_refused() {
        let guard = RequestGuard::new([""; 0], AllowedOrigins::ThisMachine);
        let own = ("origin", "http://localhost");
        let foreign = ("origin", "https://evil.example");
        assert!(!check(
            &guard,
            "POST",
            &[("host", "localhost"), own, foreign]
        ));
        assert!(!check(
            &guard,
            "POST",
            &[("host", "localhost"), foreign, own]
        ));
    }

    #[test]
    fn cross_site_requests_without_origin_are_refused_unless_they_are_links() {
        let guard = RequestGuard::new([""; 0], AllowedOrigins::ThisMachine);
        let cross = [("host", "localhost"), ("sec-fetch-site", "cross-site")];
        let image = [cross[0], cross[1], ("sec-fetch-mode", "no-cors")];
        let link = [cross[0], cross[1], ("sec-fetch-mode", "navigate")];
        assert!(!check(&guard, "GET", &image));
        let shown_by = |page| {
            check(
                &guard,
                "GET",
                &[image[0], image[1], image[2], ("referer", page)],
            )
        };
        assert!(shown_by("http://localhost:4321/"));
        let open = RequestGuard::new([""; 0], AllowedOrigins::Any);
        assert!(check(&open, "GET", &image));
        assert!(!shown_by("https://evil.example/http://localhost:4321/"));
        assert!(!shown_by("about:blank"));
        assert!(check(&guard, "GET", &link));
        assert!(!check(&guard, "POST", &link));
        let same_site = [("host", "localhost"), ("sec-fetch-site", "same-site")];
        assert!(check(&guard, "GET", &same_site));
    }
}
