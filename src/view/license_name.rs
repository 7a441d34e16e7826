//! The short name of a licence, from its URL.
//!
//! The URLs of Creative Commons have the form `/licenses/<elements>/<version>/[<jurisdiction>/]`
//! ("Creative Commons licenses and public domain tools: canonical URLs").

/// The hosts of Creative Commons.
const CC_HOSTS: [&str; 2] = ["creativecommons.org", "www.creativecommons.org"];
/// The elements of the licences of Creative Commons, as their URLs have them.
const CC_LICENSES: [&str; 11] = [
    "by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd",
    // Only version 1.0 and 2.0 have these.
    "by-nd-nc", "nd", "nc", "sa", "nd-nc",
];
/// The versions of the licences of Creative Commons.
const CC_VERSIONS: [&str; 6] = ["1.0", "2.0", "2.1", "2.5", "3.0", "4.0"];
/// The jurisdictions of ported licences that are not the code of a country.
const OTHER_JURISDICTIONS: [&str; 2] = ["igo", "scotland"];
/// The names of the pages of a licence. Its language may follow after a dot.
const PAGES: [&str; 3] = ["deed", "legalcode", "rdf"];

/// Returns the short name of a licence of Creative Commons from its URL, such as `CC BY-NC-SA 4.0`
/// or `CC BY 3.0 DE`. Returns `None` if the URL is not that of a known licence.
pub(super) fn license_name(url: &str) -> Option<String> {
    let url = url.trim();
    let (scheme, rest) = url.split_once("://")?;
    let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let address = rest.split(['?', '#']).next().filter(|_| is_web)?;
    let (host, path) = address.split_once('/')?;
    let is_cc = CC_HOSTS
        .iter()
        .any(|known| host.eq_ignore_ascii_case(known));
    let path = path.to_ascii_lowercase();
    let mut segments: Vec<&str> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let page = segments.last().and_then(|last| last.split('.').next());
    if page.is_some_and(|page| PAGES.contains(&page)) {
        segments.pop();
    }
    match segments.as_slice() {
        _ if !is_cc => None,
        ["publicdomain", "zero", "1.0"] => Some("CC0 1.0".to_owned()),
        ["publicdomain", "mark", "1.0"] => Some("Public Domain Mark 1.0".to_owned()),
        ["licenses", elements, version, jurisdiction @ ..] => {
            cc_name(elements, version, jurisdiction)
        }
        _ => None,
    }
}

/// Returns the name of a licence with these elements. `jurisdiction` is empty for an international
/// licence.
fn cc_name(elements: &str, version: &str, jurisdiction: &[&str]) -> Option<String> {
    let is_known = CC_LICENSES.contains(&elements) && CC_VERSIONS.contains(&version);
    let name = format!("CC {} {version}", elements.to_ascii_uppercase());
    match jurisdiction {
        _ if !is_known => None,
        [] => Some(name),
        [place] => {
            let is_country = place.len() == 2 && place.bytes().all(|b| b.is_ascii_lowercase());
            let is_known = is_country || OTHER_JURISDICTIONS.contains(place);
            is_known.then(|| format!("{name} {}", place.to_ascii_uppercase()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_of_creative_commons_have_names() {
        for (url, name) in [
            (
                "https://creativecommons.org/licenses/by-nc-sa/4.0/",
                "CC BY-NC-SA 4.0",
            ),
            ("http://creativecommons.org/licenses/by/4.0", "CC BY 4.0"),
            (
                "HTTPS://WWW.CreativeCommons.org/licenses/BY-SA/2.5/",
                "CC BY-SA 2.5",
            ),
            (
                "https://creativecommons.org/licenses/by/3.0/de/",
                "CC BY 3.0 DE",
            ),
            (
                "http://creativecommons.org/licenses/by/3.0/de/deed.de",
                "CC BY 3.0 DE",
            ),
            (
                "https://creativecommons.org/licenses/by-nd/3.0/igo/",
                "CC BY-ND 3.0 IGO",
            ),
            (
                "https://creativecommons.org/licenses/by/4.0/deed.en",
                "CC BY 4.0",
            ),
            (
                "https://creativecommons.org/licenses/by/4.0/deed.zh-hans",
                "CC BY 4.0",
            ),
            (
                "https://creativecommons.org/licenses/by/4.0/legalcode#s1",
                "CC BY 4.0",
            ),
            (
                "https://creativecommons.org/licenses/by/4.0/?ref=chooser-v1",
                "CC BY 4.0",
            ),
            (
                "https://creativecommons.org/publicdomain/zero/1.0/",
                "CC0 1.0",
            ),
            (
                "https://creativecommons.org/publicdomain/zero/1.0/deed.fr",
                "CC0 1.0",
            ),
            (
                "http://creativecommons.org/publicdomain/mark/1.0/",
                "Public Domain Mark 1.0",
            ),
        ] {
            assert_eq!(license_name(url).as_deref(), Some(name), "{url}");
        }
    }

    #[test]
    fn other_urls_have_no_name() {
        for url in [
            "",
            "https://creativecommons.org",
            "https://creativecommons.org/licenses/",
            "https://creativecommons.org/licenses/by/",
            "https://creativecommons.org/licenses/by/5.0/",
            "https://creativecommons.org/licenses/by-x/4.0/",
            "https://creativecommons.org/licenses/by/3.0/germany/",
            "https://creativecommons.org/licenses/by/3.0/de/at/",
            "https://creativecommons.org/publicdomain/zero/2.0/",
            "https://creativecommons.org.example.org/licenses/by/4.0/",
            "https://example.org/creativecommons.org/licenses/by/4.0/",
            "ftp://creativecommons.org/licenses/by/4.0/",
            "creativecommons.org/licenses/by/4.0/",
            "https://example.org/my-terms",
        ] {
            assert_eq!(license_name(url), None, "{url}");
        }
    }
}
