//! The server of map tiles that the owner has chosen for the gallery page. Pure.

use reqwest::Url;

/// The placeholders in the URL of a tile. Each must occur once: the zoom, the column and the row.
const PLACEHOLDERS: [&str; 3] = ["{z}", "{x}", "{y}"];
/// The hosts that may serve tiles without encryption, because they are this machine.
const LOOPBACK_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The tiles behind the photos on the map of the gallery page. Without them, the map loads nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapTiles {
    template: String,
    origin: String,
    attribution: String,
}

/// The error of a URL that is no URL of map tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it must be an https URL that contains {{z}}, {{x}} and {{y}} once each after the host, such as \
     https://tile.example.org/{{z}}/{{x}}/{{y}}.png"
)]
pub struct InvalidMapTiles;

impl MapTiles {
    /// Parses the URL of a tile with its placeholders `{z}`, `{x}` and `{y}`. A host of this
    /// machine may use http. `attribution` is the text that the server of the tiles requires.
    ///
    /// ```
    /// use photo_catalogue::map_tiles::MapTiles;
    ///
    /// let tiles = MapTiles::parse("https://tile.example.org/{z}/{x}/{y}.png", "Example").unwrap();
    /// assert_eq!(tiles.origin(), "https://tile.example.org");
    /// assert!(MapTiles::parse("https://{z}.example.org/{x}/{y}.png", "").is_err());
    /// ```
    ///
    /// # Errors
    /// Returns an error if the URL has another form.
    pub fn parse(template: &str, attribution: &str) -> Result<Self, InvalidMapTiles> {
        let template = template.trim();
        let filled = PLACEHOLDERS
            .iter()
            .try_fold(template.to_owned(), |filled, placeholder| {
                match filled.split_once(placeholder) {
                    Some((before, after)) if !after.contains(placeholder) => {
                        Ok(format!("{before}0{after}"))
                    }
                    _ => Err(InvalidMapTiles),
                }
            })?;
        let is_plain = |c: char| c.is_ascii_graphic() && !"{}\"'<>\\`".contains(c);
        let origin = source_origin(&filled).ok_or(InvalidMapTiles)?;
        // A placeholder in the host would be requests to several hosts.
        let has_fixed_host = template
            .to_ascii_lowercase()
            .strip_prefix(&origin)
            .is_some_and(|rest| rest.starts_with('/'));
        if !filled.chars().all(is_plain) || filled.contains('#') || !has_fixed_host {
            return Err(InvalidMapTiles);
        }
        Ok(MapTiles {
            template: template.to_owned(),
            origin,
            attribution: attribution.trim().to_owned(),
        })
    }

    /// Returns the URL of a tile with its placeholders.
    pub fn template(&self) -> &str {
        &self.template
    }

    /// Returns the origin of the tiles, such as `https://tile.example.org`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the text that the server of the tiles requires. It is empty if there is none.
    pub fn attribution(&self) -> &str {
        &self.attribution
    }
}

/// Returns the origin of a URL in the form of a source of a content security policy. Returns `None`
/// if the URL is relative, contains a user name, or does not use https. A host of this machine may
/// use http.
pub fn source_origin(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    let is_safe = match url.scheme() {
        "https" => true,
        "http" => LOOPBACK_HOSTS.contains(&host),
        _ => false,
    };
    // A host may contain characters that separate the parts of a policy.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_[:]".contains(c);
    let is_accepted = is_safe
        && host.chars().all(is_plain)
        && url.username().is_empty()
        && url.password().is_none();
    is_accepted.then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_of_tiles_is_parsed() {
        for (template, origin) in [
            (
                "https://tile.example/{z}/{x}/{y}.png",
                "https://tile.example",
            ),
            (
                " https://Tile.Example/{z}/{y}/{x}?key=a-b&s=2 ",
                "https://tile.example",
            ),
            (
                "https://tile.example:8443/t?z={z}&x={x}&y={y}",
                "https://tile.example:8443",
            ),
            ("http://127.0.0.1:9/{z}/{x}/{y}.png", "http://127.0.0.1:9"),
            ("http://localhost/{z}/{x}/{y}.png", "http://localhost"),
        ] {
            let tiles = MapTiles::parse(template, " © Example ").expect(template);
            assert_eq!(tiles.origin(), origin);
            assert_eq!(tiles.template(), template.trim());
            assert_eq!(tiles.attribution(), "© Example");
        }
    }

    #[test]
    fn other_urls_are_refused() {
        for template in [
            "",
            "/{z}/{x}/{y}.png",
            "https://tile.example/{z}/{x}.png",
            "https://tile.example/{z}/{x}/{y}/{y}.png",
            "https://tile.example/{z}/{x}/{y}{r}.png",
            "https://{s}.tile.example/{z}/{x}/{y}.png",
            "https://{z}.tile.example/{x}/{y}.png",
            "https://tile.example/{z}/{x}/{y}.png#part",
            "https://tile.example/{z}/{x}/{y} .png",
            "https://tile.example/{z}/{x}/{y}\".png",
            "https://tile.example{z}/{x}/{y}.png",
            "https://user@tile.example/{z}/{x}/{y}.png",
            "http://tile.example/{z}/{x}/{y}.png",
            "https://a;script-src.example/{z}/{x}/{y}.png",
            "https://*/{z}/{x}/{y}.png",
            "data:,{z}{x}{y}",
            "javascript:{z}{x}{y}",
        ] {
            assert_eq!(
                MapTiles::parse(template, ""),
                Err(InvalidMapTiles),
                "{template}"
            );
        }
    }

    #[test]
    fn origins_of_pictures_are_sources_of_a_policy() {
        let origin = |url| source_origin(url);
        assert_eq!(
            origin("https://photos.example/gallery").as_deref(),
            Some("https://photos.example")
        );
        assert_eq!(origin("/gallery"), None);
        assert_eq!(origin("http://photos.example/gallery"), None);
    }
}
