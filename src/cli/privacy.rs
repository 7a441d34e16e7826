//! The flags that say what is kept from the public, which several commands share.

use std::collections::BTreeMap;

use clap::Args;

use crate::config;

/// What is kept from the public, besides places.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct PrivacyArguments {
    /// Where no position is shown: LAT,LON,METRES or geohash cells, separated by semicolons. Its surroundings too.
    #[arg(long, value_name = "ZONES", env = config::HOME_ZONES, hide_env_values = true)]
    home_zones: Option<String>,
    /// Photos that no rule speaks of: public or private [default: public].
    #[arg(long, value_name = "VISIBILITY", env = config::VISIBILITY)]
    visibility: Option<String>,
    /// Keywords that make a photo private, separated by commas.
    #[arg(long, value_name = "KEYWORDS", env = config::PRIVATE_KEYWORDS)]
    private_keywords: Option<String>,
    /// Keywords that make a photo public where --visibility is private.
    #[arg(long, value_name = "KEYWORDS", env = config::PUBLIC_KEYWORDS)]
    public_keywords: Option<String>,
    /// Photos of fewer stars are private; unrated ones have none.
    #[arg(long, value_name = "STARS", env = config::PRIVATE_BELOW_RATING)]
    private_below_rating: Option<String>,
    /// Photos uploaded under these prefixes of keys are private, separated by commas.
    #[arg(long, value_name = "PREFIXES", env = config::PRIVATE_SOURCES)]
    private_sources: Option<String>,
}

impl PrivacyArguments {
    /// Those that were given, by their variables.
    pub(super) fn given(&self) -> BTreeMap<String, String> {
        let all = [
            (config::HOME_ZONES, &self.home_zones),
            (config::VISIBILITY, &self.visibility),
            (config::PRIVATE_KEYWORDS, &self.private_keywords),
            (config::PUBLIC_KEYWORDS, &self.public_keywords),
            (config::PRIVATE_BELOW_RATING, &self.private_below_rating),
            (config::PRIVATE_SOURCES, &self.private_sources),
        ];
        let given = all
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
        given.collect()
    }
}
